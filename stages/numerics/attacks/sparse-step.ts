/**
 * The step of APGD for L1 (Croce and Hein 2021, section 3.2 and algorithm 1): only the coordinates with the largest
 * gradients move, all by the same length; how many they are follows the sparsity of the best perturbation so far.
 */
import { projectOntoL1Ball } from './l1-ball.ts';
import type { Position } from './momentum-steps.ts';
import { kthSmallest } from './order-statistics.ts';

// Shares have 32 bits, as in the official code: a rounding decides whether one coordinate more moves.
const { fround } = Math;

/** Share of coordinates that move at first, after a random start. */
const FIRST_SHARE = fround(0.2);

/** By how much more the best perturbation may have changed than it will be moved (κ). */
const SPARSITY_FACTOR = 1.5;

/** A perturbation with less than this share of the coordinates that it had has become sparser. */
const SPARSER = 0.95;

/** The step is divided by this while the sparsity stays, and is never shorter than ε over `SMALLEST_STEP`. */
const STEP_DIVISOR = 1.5;
const SMALLEST_STEP = 10;

/** The share of all steps after which sparsity and step are looked at. */
const WINDOW = 0.04;

/** A coordinate counts as changed by more than this, of its size or of 1: less is left by rounding where one has come back. */
const ROUNDING = 1e-6;

/** How many coordinates differ. */
function differing(a: Float32Array, b: Float32Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    if (Math.abs(a[i]! - b[i]!) > ROUNDING * Math.max(1, Math.abs(b[i]!))) count += 1;
  }
  return count;
}

/**
 * Writes into `out`: x + η · sign(g) / k over the k coordinates of the largest gradients, projected.
 *
 * @param share of the coordinates that move; those with equal gradients move together
 * @param scratch [size], overwritten
 */
export function sparseStep(
  out: Float32Array,
  { x, gradient }: Position,
  { image, eps, box }: { image: Float32Array; eps: number; box: readonly [number, number] | null },
  stepSize: number,
  share: number,
  scratch: Float32Array,
): void {
  const size = x.length;
  for (let i = 0; i < size; i++) scratch[i] = Math.abs(gradient[i]!);
  const rank = Math.min(Math.max(Math.trunc(fround(fround(1 - share) * size)), 0), size - 1);
  const threshold = kthSmallest(scratch, rank);
  let count = 0;
  for (let i = 0; i < size; i++) if (gradient[i] !== 0 && Math.abs(gradient[i]!) >= threshold) count += 1;
  const length = count === 0 ? 0 : stepSize / count;
  for (let i = 0; i < size; i++) {
    const slope = gradient[i]!;
    out[i] = x[i]! + (Math.abs(slope) >= threshold ? length * Math.sign(slope) : 0);
  }
  projectOntoL1Ball(out, image, eps, box);
}

/** What the sparsity rule has decided. */
export interface Sparsity {
  stepSize: number;
  /** Share of the coordinates that move. */
  share: number;
  /** After each step: whether to go back to the best point. */
  review(bestX: Float32Array): boolean;
}

/**
 * @param steps of the whole climb
 * @param start point that a climb in a larger ball has found; null after a random start
 */
export function adaptiveSparsity(
  image: Float32Array,
  eps: number,
  steps: number,
  start: Float32Array | null,
): Sparsity {
  const size = image.length;
  const window = Math.max(Math.floor(WINDOW * steps), 1);
  const shareOf = (changed: number) => fround(fround(changed / size) / SPARSITY_FACTOR);
  let changedBefore = start === null ? size : differing(start, image);
  let sinceReview = 0;
  const state: Sparsity = {
    stepSize: eps,
    share: start === null ? FIRST_SHARE : shareOf(changedBefore),
    review(bestX) {
      sinceReview += 1;
      if (sinceReview < window) return false;
      sinceReview = 0;
      const changed = differing(bestX, image);
      const isSparser = changed / changedBefore < SPARSER;
      state.share = shareOf(changed);
      state.stepSize = isSparser ? eps : Math.max(state.stepSize / STEP_DIVISOR, eps / SMALLEST_STEP);
      changedBefore = changed;
      return isSparser;
    },
  };
  return state;
}
