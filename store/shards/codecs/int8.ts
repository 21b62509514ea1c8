/**
 * Gradients as whole numbers from −127 to 127 with a scale for each block of 64 values: 1.06 bytes a value.
 * value ≈ gradient · scale of its block. The scale follows the largest value of the block, so a few large values
 * cost their neighbours their precision, but not the whole row.
 */
import type { Codec } from './codec.ts';

const BLOCK = 64;
const LARGEST = 127;
const SMALLEST_NORMAL_FLOAT32 = 2 ** -126;
const SMALLEST_FLOAT32 = 2 ** -149;

export const int8: Codec = {
  name: 'int8',
  columns: (length) => [
    { name: 'gradient', kind: 'int8', width: length },
    { name: 'scale', kind: 'float32', width: Math.ceil(length / BLOCK) },
  ],
  encode(gradient, row) {
    const [values, scales] = [row[0]!, row[1]!];
    for (let block = 0; block < scales.length; block++) {
      const start = block * BLOCK;
      const end = Math.min(start + BLOCK, gradient.length);
      const scale = scaleOf(gradient, start, end);
      const factor = 1 / scale;
      for (let i = start; i < end; i++) values[i] = Math.round(gradient[i]! * factor);
      scales[block] = scale;
    }
  },
  decode(row, gradient) {
    const [values, scales] = [row[0]!, row[1]!];
    for (let block = 0; block < scales.length; block++) {
      const scale = scales[block]!;
      const end = Math.min((block + 1) * BLOCK, gradient.length);
      for (let i = block * BLOCK; i < end; i++) gradient[i] = values[i]! * scale;
    }
  },
};

/** A float32: the one that is stored must be the one that was divided by. 1 for a block of zeros. */
function scaleOf(gradient: Float32Array, start: number, end: number): number {
  let largest = 0;
  for (let i = start; i < end; i++) {
    const magnitude = Math.abs(gradient[i]!);
    if (magnitude > largest) largest = magnitude;
  }
  if (largest === 0) return 1;
  const scale = largest / LARGEST;
  // So far down float32 has few digits: rounding to nearest could halve the scale. Rounding up keeps all in range.
  if (scale < SMALLEST_NORMAL_FLOAT32) return Math.ceil(scale / SMALLEST_FLOAT32) * SMALLEST_FLOAT32;
  // Rounded down, as otherwise 127 · scale could exceed the largest float32. The largest value may then come out a
  // little above 127, which still rounds to 127.
  const rounded = Math.fround(scale);
  return rounded > scale ? Math.fround(scale * (1 - 2 ** -24)) : rounded;
}
