/** Gradients as they are: 4 bytes a value, nothing lost. */
import type { Codec } from './codec.ts';

export const float32: Codec = {
  name: 'float32',
  columns: (length) => [{ name: 'gradient', kind: 'float32', width: length }],
  encode(gradient, row) {
    row[0]!.set(gradient);
  },
  decode(row, gradient) {
    gradient.set(row[0]!);
  },
};
