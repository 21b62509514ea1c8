/** Optimisers on flat parameter vectors: `state -> update -> state`, nothing hidden, so a checkpoint holds it all. */
import type { tf } from '../tensor/tf.ts';

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
