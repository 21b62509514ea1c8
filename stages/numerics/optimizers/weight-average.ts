/** Running average of weights, as EDM keeps it (Karras et al. 2022, training loop): smoother than the last weights. */
import { tf } from '../tensor/tf.ts';

/** EDM's ramp-up. */
const RAMP_UP = 0.05;

/**
 * Factor with which the average decays in a step: half of it is forgotten after `halfLifeImages` images.
 *
 * @param step counted from 1
 * @param rampUp the half-life is at most this share of the images seen so far, so that the random start is soon forgotten;
 *   those of this step are among them, which EDM's own code counts afterwards
 */
export function averageDecay(
  batchSize: number,
  halfLifeImages: number,
  step: number,
  rampUp = RAMP_UP,
): number {
  const halfLife = Math.min(halfLifeImages, rampUp * step * batchSize);
  return 0.5 ** (batchSize / Math.max(halfLife, 1e-8));
}

/** decay · average + (1 − decay) · values, all of one shape. */
export function moveAverage(average: tf.Tensor1D, values: tf.Tensor1D, decay: number): tf.Tensor1D {
  return tf.add(tf.mul(average, decay), tf.mul(values, 1 - decay));
}
