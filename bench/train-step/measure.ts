/** Settings of the step that both programs use, and what a measurement is. */
export const LAMBDA = 1;
/** Small, so that no step meets values that are not finite. */
export const LEARNING_RATE = 1e-3;
export const MOMENTUM = 0.9;

/** What each program prints as one line of JSON. */
export interface Measurement {
  /** (image, target) pairs per second, from the median step. */
  pairsPerSec: number;
  /** Largest resident memory of the process. */
  peakBytes: number;
  /** Loss of the first step, before any update: mean over images of cross entropy + λ · Σ (1 − cos). */
  firstLoss: number;
}
