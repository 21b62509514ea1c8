/** Gradients as they are: 4 bytes a value, nothing lost. */
import type { Codec } from './codec.ts';
import { openKernels } from './kernels.ts';

export const float32: Codec = {
  name: 'float32',
  columns: (length) => [{ name: 'gradient', kind: 'float32', width: length }],
  isPlain: true,
  async open(length) {
    const kernels = await openKernels(length);
    return {
      encode(gradients, from, columns, row) {
        if (Number.isNaN(kernels.load(gradients, from))) return Number.NaN;
        columns[0]!.set(kernels.gradient, row * length);
        return 0;
      },
      decode(columns, row, gradients, to) {
        gradients.set(columns[0]!.subarray(row * length, (row + 1) * length), to);
      },
    };
  },
};
