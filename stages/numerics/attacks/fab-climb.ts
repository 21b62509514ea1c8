/**
 * Fast Adaptive Boundary attack (Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive
 * boundary attack", algorithm 1), in the form and with the constants of the official code: looks for the nearest
 * adversarial point by going from border to border, linearised at the latest point.
 */
import { type Answer, type Climb, isLedAstray, type Problem, type Query } from './attack.ts';
import { hyperplanes } from './hyperplane/registry.ts';
import { intoBox } from './norms.ts';

export interface FabOptions {
  /** Iterations. @default 100 */
  steps?: number;
  /** Whether to start from a random point at half ε from the image; restarts do. @default false */
  randomStart?: boolean;
  /**
   * Whether to look for the nearest adversarial point whatever ε is; `isAdversarial` then says whether one was found at
   * any distance. If not, the climb ends with the first one in the ball. @default false
   */
  minimal?: boolean;
}

/** Overshooting, η. */
const ETA = 1.05;
/** Largest share of the way from the image, α_max. */
const ALPHA_MAX = 0.1;
/** What a backward step leaves of the perturbation, β. */
const BETA = 0.9;
/** Steps do not count as shorter. */
const SHORTEST = 1e-8;
/** Steps so long, which only data without bounds allow, lead where numbers of 32 bits end. */
const LONGEST = 1e30;

/** The linearised border between the true class and another one: {z: gradient·(z − x) = −loss}. */
type Border = Pick<Answer, 'loss' | 'gradient'>;

/** @param rivals classes whose borders with the true class are looked at */
export function* climbBorders(
  problem: Problem,
  { steps = 100, randomStart = false, minimal = false }: FabOptions,
  rivals: readonly number[],
): Climb {
  const { image, norm, eps, box } = problem;
  if (isLedAstray(problem.cleanLogits, problem)) return { x: image.slice(), isAdversarial: true };
  const x = randomStart ? startPoint(problem) : image.slice();
  let nearest: { x: Float32Array; distance: number } | null = null;
  for (let step = 0; step < steps; step++) {
    const border: Border | null = yield* nearestBorder(x, problem, rivals);
    if (border === null || !approach(x, border, problem)) break;
    // Most of these points are adversarial and left at once, so that their gradient would be asked for in vain.
    const { logits }: Answer = yield { x, loss: null };
    if (!isLedAstray(logits, problem)) continue;
    const distance = norm.distance(image, x);
    if (nearest === null || distance < nearest.distance) nearest = { x: x.slice(), distance };
    if (!minimal && distance <= eps) return { x: nearest.x, isAdversarial: true };
    for (let i = 0; i < x.length; i++) x[i] = image[i]! + (x[i]! - image[i]!) * BETA;
  }
  if (minimal) return { x: nearest?.x ?? image.slice(), isAdversarial: nearest !== null };
  return { x: norm.project(nearest?.x ?? x, image, eps, box), isAdversarial: false };
}

/** A point at ε/2 from the image in a random direction, then in the box. */
function startPoint({ image, norm, eps, box, random }: Problem): Float32Array {
  const point = norm.randomPoint(image, 1, random);
  const factor = eps / 2 / norm.distance(image, point);
  for (let i = 0; i < point.length; i++) point[i] = image[i]! + (point[i]! - image[i]!) * factor;
  return intoBox(point, box);
}

/** Of the borders with all rivals the one nearest to x, if there were no box; null where the classifier is not finite. */
function* nearestBorder(
  x: Float32Array,
  { norm }: Problem,
  rivals: readonly number[],
): Generator<Query, Border | null, Answer> {
  const { steepness } = hyperplanes[norm.name];
  let nearest: Border | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const target of rivals) {
    const border: Border = yield { x, loss: 'difference', target };
    const slope = steepness(border.gradient) + 1e-12;
    const distance = Math.abs(border.loss) / slope;
    if (Number.isFinite(slope) && distance < least) {
      nearest = border;
      least = distance;
    }
  }
  return nearest;
}

/**
 * Moves x a little beyond the border: to a mean of the projections of x and of the image onto it, in which that of the
 * image has the share α, larger the farther x is from the border. False, with x as it was, where the border is out of reach.
 */
function approach(x: Float32Array, { loss, gradient }: Border, { image, norm, box }: Problem): boolean {
  const { stepOnto } = hyperplanes[norm.name];
  let atImage = loss;
  for (let i = 0; i < x.length; i++) atImage += gradient[i]! * (image[i]! - x[i]!);
  const [fromX, fromImage] = stepsOf(x.length);
  const lengthX = Math.max(stepOnto(x, gradient, loss, box, fromX), SHORTEST);
  const lengthImage = Math.max(stepOnto(image, gradient, atImage, box, fromImage), SHORTEST);
  const alpha = Math.min(lengthX / (lengthX + lengthImage), ALPHA_MAX);
  if (lengthX + lengthImage > LONGEST) return false;
  const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  clipped[0] = low;
  clipped[2] = high;
  for (let i = 0; i < x.length; i++) {
    const onward = (x[i]! + ETA * fromX[i]!) * (1 - alpha) + (image[i]! + ETA * fromImage[i]!) * alpha;
    clipped[1] = onward;
    x[i] = clipped[+(onward > low) + +(onward > high)]!;
  }
  return true;
}

/** The lower end of the box, a value, and the upper end: where the value counts is looked up, not branched on. */
const clipped = new Float64Array(3);

/** Two lists shared by all climbs: what is in them is good until the next call. */
function stepsOf(size: number): [Float32Array, Float32Array] {
  if (size !== steps[0].length) steps = [new Float32Array(size), new Float32Array(size)];
  return steps;
}

let steps: [Float32Array, Float32Array] = [new Float32Array(0), new Float32Array(0)];
