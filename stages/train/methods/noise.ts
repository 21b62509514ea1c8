/** Normal random numbers for the images of a batch. */
import { tf } from '../../numerics/tensor/tf.ts';
import type { StepBatch } from './method.ts';

/** Noise of standard deviation σ, [batch, ...shape]; each image's depends on (seed, step, image) alone. */
export function gaussianOf({ x, randomOf }: StepBatch, sigma: number): tf.Tensor {
  const count = x.shape[0]!;
  const size = x.size / count;
  const values = new Float32Array(x.size);
  for (let i = 0; i < count; i++) randomOf(i).fillNormal(values.subarray(i * size, (i + 1) * size));
  return tf.mul(tf.tensor(values, x.shape), sigma);
}
