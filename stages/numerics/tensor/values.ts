/** Values out of a computation. */
import { tf } from './tf.ts';

/**
 * The values of what f computes; all of its tensors are gone then. They are read outside of the tidy, which would look at
 * each value that it returns, in search of tensors: for some networks that takes longer than computing them.
 */
export function valuesOf(f: () => tf.Tensor): Float32Array {
  const tensor = tf.tidy(f);
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}
