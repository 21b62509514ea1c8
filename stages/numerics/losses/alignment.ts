/**
 * The alignment loss: how far the input gradients of a classifier point away from their targets
 * (Ganz, Kawar and Elad 2023, eq. 4: Σ over target classes of 1 − cos(∇ₓ f(x)_y, g(x, y))).
 */
import { inputGradients } from '../gradients/input-gradients.ts';
import { logSoftmax } from '../gradients/log-softmax.ts';
import { tf } from '../tensor/tf.ts';

/** Below this product of norms the cosine fades to 0, as in PyTorch's `cosine_similarity`. */
const SMALLEST_PRODUCT = 1e-8;
/** Keeps the square root away from 0, where its derivative is infinite. */
const SMALLEST_SQUARE = 1e-30;

/**
 * Cosine of each row: u·v / max(|u|·|v|, 1e-8).
 *
 * @param u [rows, length]
 * @param v [rows, length]
 * @returns [rows]
 */
export function cosine(u: tf.Tensor2D, v: tf.Tensor2D): tf.Tensor1D {
  const product = tf.mul(norm(u), norm(v));
  return tf.div(tf.sum(tf.mul(u, v), 1), tf.maximum(product, SMALLEST_PRODUCT));
}

function norm(rows: tf.Tensor2D): tf.Tensor1D {
  return tf.sqrt(tf.maximum(tf.sum(tf.square(rows), 1), SMALLEST_SQUARE));
}

/**
 * Cosines between the input gradients and their targets. Call it inside a differentiated function, after the
 * forward pass: the forward pass is shared by all targets and its tape is walked once for each.
 *
 * @param logits [batch, classes], computed from x on the active tape
 * @param x [batch, ...shape]
 * @param targets for each of T targets: `oneHot` [batch, classes] names the class, `gradient` [batch, ...shape] is g
 * @param gradientOf what is differentiated with respect to x: the class's logit or its log-softmax
 * @returns T times [batch]
 */
export function alignmentCosines(
  logits: tf.Tensor2D,
  x: tf.Tensor,
  targets: readonly { oneHot: tf.Tensor2D; gradient: tf.Tensor }[],
  gradientOf: 'logit' | 'log-softmax',
): tf.Tensor1D[] {
  const output = gradientOf === 'logit' ? logits : logSoftmax(logits);
  const gradients = inputGradients(
    output,
    x,
    targets.map((target) => target.oneHot),
  );
  const flat = (tensor: tf.Tensor) => tf.reshape(tensor, [tensor.shape[0]!, -1]) as tf.Tensor2D;
  return gradients.map((gradient, k) => cosine(flat(gradient), flat(targets[k]!.gradient)));
}

/** Σ over targets of 1 − cos. cosines: T times [batch] -> [batch], not reduced. */
export function alignmentLoss(cosines: readonly tf.Tensor1D[]): tf.Tensor1D {
  return tf.sub(cosines.length, tf.addN([...cosines]));
}
