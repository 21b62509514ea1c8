/**
 * The step of APGD with momentum (Croce and Hein 2020, eq. 3 and 4, algorithm 1):
 * z = P(x + η·s), x⁺ = P(x + α·(z − x) + (1 − α)·(x − x⁻)), with s the steepest direction and P the projection.
 *
 * In most steps of most attacks little else than these loops is done here, so that they avoid what a processor cannot
 * foresee: comparisons that come out at random for every pixel cost ten times the arithmetic.
 */
import { euclidean } from './norms.ts';

/** Where a climb is, [size] each. */
export interface Position {
  x: Float32Array;
  /** x of the step before. */
  previous: Float32Array;
  /** Of the loss, by x. */
  gradient: Float32Array;
}

/** What a step may not leave. */
export interface Surroundings {
  image: Float32Array;
  eps: number;
  /** The smallest box around ball and box, [size] each. */
  lower: Float32Array;
  upper: Float32Array;
}

/** Writes where the next step leads into `out`, which is none of the position's own arrays but may be `previous`. */
export type MomentumStep = (
  out: Float32Array,
  from: Position,
  around: Surroundings,
  stepSize: number,
  momentum: number,
) => void;

export function surroundings(
  image: Float32Array,
  eps: number,
  box: readonly [number, number] | null,
): Surroundings {
  const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const lower = image.map((value) => Math.max(value - eps, low));
  const upper = image.map((value) => Math.min(value + eps, high));
  return { image, eps, lower, upper };
}

/** A length as small as this counts as none, as in the official code. */
const SMALLEST_LENGTH = 1e-12;

/** Too small for any difference but to 0 / 0. */
const TINY = 1e-300;

/** value between low and high, both finite. */
const clamp = (value: number, low: number, high: number) =>
  0.5 * (low + high + Math.abs(value - low) - Math.abs(value - high));

/** The sign; 0 of 0. */
const sign = (value: number) => value / (Math.abs(value) + TINY);

export const stepLinf: MomentumStep = (
  out,
  { x, previous, gradient },
  { lower, upper },
  stepSize,
  momentum,
) => {
  for (let i = 0; i < out.length; i++) {
    const value = x[i]!;
    const low = lower[i]!;
    const high = upper[i]!;
    const z = clamp(value + stepSize * sign(gradient[i]!), low, high);
    out[i] = clamp(value + momentum * (z - value) + (1 - momentum) * (value - previous[i]!), low, high);
  }
};

/** What brings a vector whose square is given into the ball. */
function pull(squared: number, eps: number): number {
  const length = Math.sqrt(squared);
  return Math.min(length, eps) / (length + SMALLEST_LENGTH);
}

export const stepL2: MomentumStep = (
  out,
  { x, previous, gradient },
  { image, eps, lower, upper },
  stepSize,
  momentum,
) => {
  const push = stepSize / (euclidean(gradient) + SMALLEST_LENGTH);
  let squared = 0;
  for (let i = 0; i < out.length; i++) {
    const delta = x[i]! + push * gradient[i]! - image[i]!;
    squared += delta * delta;
  }
  const first = pull(squared, eps);
  squared = 0;
  for (let i = 0; i < out.length; i++) {
    const value = x[i]!;
    const center = image[i]!;
    const delta = value + push * gradient[i]! - center;
    const z = clamp(center + first * delta, lower[i]!, upper[i]!);
    const moved = value + momentum * (z - value) + (1 - momentum) * (value - previous[i]!) - center;
    squared += moved * moved;
    out[i] = moved;
  }
  const second = pull(squared, eps);
  for (let i = 0; i < out.length; i++) out[i] = clamp(image[i]! + second * out[i]!, lower[i]!, upper[i]!);
};
