/** The input gradient of the cross entropy, which some training methods keep short or smooth. */
import { inputGradients } from '../gradients/input-gradients.ts';
import { softmax } from '../gradients/softmax.ts';
import { tf } from '../tensor/tf.ts';

/**
 * ∇ₓ CE(x) = J(x)ᵀ (softmax(z) − e_y), differentiable in turn. Call it inside a differentiated function, after the
 * forward pass. Each image's gradient is its own, unless the network looks at the whole batch.
 *
 * @param logits z, [batch, classes], computed from x on the active tape
 * @param x [batch, ...shape]
 * @param oneHot e_y, [batch, classes]
 * @returns [batch, ...shape]
 */
export function entropyGradient(logits: tf.Tensor2D, x: tf.Tensor, oneHot: tf.Tensor2D): tf.Tensor {
  return inputGradients(logits, x, [tf.sub(softmax(logits), oneHot) as tf.Tensor2D])[0]!;
}

/** Σ of squares of each image: [batch, ...shape] -> [batch], not reduced. */
export function squaredLengths(images: tf.Tensor): tf.Tensor1D {
  return tf.sum(tf.square(tf.reshape(images, [images.shape[0]!, -1])), 1);
}
