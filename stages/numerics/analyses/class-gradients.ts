/** Input gradients of every class's logit, for pictures and for the alignment score. */
import { sizeOf } from '../../../schemas/shape.ts';
import type { LogitsOf } from '../attacks/oracle.ts';
import { inputGradients } from '../gradients/input-gradients.ts';
import { tf } from '../tensor/tf.ts';
import { valuesOf } from '../tensor/values.ts';

/**
 * ∇ₓ f(x)_y for every class y, from one forward pass.
 *
 * @param images [count × size]
 * @param shape shape of one image
 * @returns [count × classes × size], image-major
 */
export function classGradients(
  logitsOf: LogitsOf,
  images: Float32Array,
  shape: readonly number[],
  classes: number,
): Float32Array {
  return valuesOf(() => {
    const size = sizeOf(shape);
    const count = images.length / size;
    const x = tf.tensor(images, [count, ...shape]);
    let stacked: tf.Tensor | undefined;
    // The outer gradient only opens the tape that inputGradients walks.
    tf.grad((input) => {
      const logits = logitsOf(input);
      const cotangents = Array.from({ length: classes }, (_, y) =>
        tf.oneHot(new Array<number>(count).fill(y), classes),
      ) as tf.Tensor2D[];
      stacked = tf.keep(tf.stack(inputGradients(logits, input, cotangents), 1));
      return tf.sum(logits);
    })(x);
    return stacked!;
  });
}

/** Cosine of two vectors; 0 where one of them is zero. */
export function cosineOf(u: Float32Array, v: Float32Array): number {
  let dot = 0;
  let uu = 0;
  let vv = 0;
  for (let i = 0; i < u.length; i++) {
    dot += u[i]! * v[i]!;
    uu += u[i]! ** 2;
    vv += v[i]! ** 2;
  }
  return uu === 0 || vv === 0 ? 0 : dot / Math.sqrt(uu * vv);
}
