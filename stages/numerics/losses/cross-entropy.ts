/** Cross entropy from logits, in a form whose every derivative is exact on this engine. */
import { logSumExp } from '../gradients/log-sum-exp.ts';
import { tf } from '../tensor/tf.ts';

/**
 * −log softmax(z)_y = logSumExp(z) − z_y.
 *
 * @param logits [batch, classes]
 * @param oneHot [batch, classes]
 * @returns [batch], not reduced
 */
export function crossEntropy(logits: tf.Tensor2D, oneHot: tf.Tensor2D): tf.Tensor1D {
  return tf.sub(logSumExp(logits), tf.sum(tf.mul(logits, oneHot), 1));
}
