/** Gradient clipping by the norm of the whole gradient (Pascanu et al. 2013, algorithm 1). */
import { tf } from '../tensor/tf.ts';

/** The gradient scaled so that its norm is at most `largest`; and its norm before, a scalar. */
export function clipByNorm(gradient: tf.Tensor1D, largest: number | undefined): [tf.Tensor1D, tf.Scalar] {
  const norm = tf.sqrt(tf.sum(tf.square(gradient))) as tf.Scalar;
  if (largest === undefined) return [gradient, norm];
  // Multiplying by largest / max(norm, largest) leaves a small gradient exactly as it is.
  return [tf.mul(gradient, tf.div(largest, tf.maximum(norm, largest))), norm];
}
