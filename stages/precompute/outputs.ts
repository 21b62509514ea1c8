/** What a network makes of a run of training images, in batches of bounded size. */
import type { Dataset } from '../../store/dataset-artifact.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { valuesOf } from '../numerics/tensor/values.ts';
import { ROWS, roundUp } from './denoise-batches.ts';

const BATCH = 8 * ROWS;

/**
 * @param outputOf x [batch, ...shape] -> [batch, width]
 * @returns outputs for images `first` … `first + count − 1`, [count × width]; those of an image do not depend on the range
 */
export function outputsOf(
  outputOf: (x: tf.Tensor) => tf.Tensor2D,
  { train, info, size }: Dataset,
  first: number,
  count: number,
): Float32Array {
  const parts: Float32Array[] = [];
  for (let start = 0; start < count; start += BATCH) {
    const n = Math.min(BATCH, count - start);
    const padded = new Float32Array(roundUp(n, ROWS) * size);
    padded.set(train.slice(first + start, n));
    const values = valuesOf(() => outputOf(tf.tensor(padded, [padded.length / size, ...info.shape])));
    parts.push(values.subarray(0, (values.length * n * size) / padded.length));
  }
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
