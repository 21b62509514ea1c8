/** Optimisers on flat parameter vectors: `state -> update -> state`, nothing hidden, so a checkpoint holds it all. */
import type { OptimizerConfig } from '../../../schemas/config.ts';
import { tf } from '../tensor/tf.ts';
import { adam } from './adam.ts';
import { sgd } from './sgd.ts';

/** An update rule. `slots` vectors of the parameters' size are carried from step to step, starting at zero. */
export interface Optimizer {
  slots: number;
  /**
   * One step. Returns new tensors; the caller disposes the old ones.
   *
   * @param step counted from 1
   */
  update(
    values: tf.Tensor1D,
    gradient: tf.Tensor1D,
    slots: readonly tf.Tensor1D[],
    learningRate: number,
    step: number,
  ): { values: tf.Tensor1D; slots: tf.Tensor1D[] };
}

/** The optimiser of a configuration. */
export function makeOptimizer(config: OptimizerConfig): Optimizer {
  return config.kind === 'adam' ? adam(config) : sgd(config);
}

/** The gradient scaled so that its norm is at most `largest`; and its norm before, a scalar. */
export function clipByNorm(gradient: tf.Tensor1D, largest: number | undefined): [tf.Tensor1D, tf.Scalar] {
  const norm = tf.sqrt(tf.sum(tf.square(gradient))) as tf.Scalar;
  if (largest === undefined) return [gradient, norm];
  // Multiplying by largest / max(norm, largest) leaves a small gradient exactly as it is.
  return [tf.mul(gradient, tf.div(largest, tf.maximum(norm, largest))), norm];
}
