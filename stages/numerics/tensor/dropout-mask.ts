/** Masks of dropout from a random stream of each image, so that they depend on nothing else in the batch. */
import { sizeOf } from '../../../schemas/shape.ts';
import type { RandomStream } from './random.ts';
import { tf } from './tf.ts';

/**
 * 1 / (1 − rate) where a value is kept, else 0.
 *
 * @param shape [batch, ...]
 * @param streamOf the stream of the image at a place of the batch
 */
export function dropoutMask(
  shape: readonly number[],
  rate: number,
  streamOf: (place: number) => RandomStream,
): tf.Tensor {
  const size = sizeOf(shape.slice(1));
  const values = new Float32Array(shape[0]! * size);
  for (let i = 0; i < shape[0]!; i++) {
    const random = streamOf(i);
    for (let j = i * size; j < (i + 1) * size; j++) values[j] = random.uniform() < rate ? 0 : 1 / (1 - rate);
  }
  return tf.tensor(values, [...shape]);
}
