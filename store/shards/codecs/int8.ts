/**
 * Gradients as whole numbers from −127 to 127 with a scale for each block of 64 values: 1.06 bytes a value.
 * value ≈ gradient · scale of its block. The scale is a 127th of the largest value of the block, so a few large values
 * cost their neighbours their precision, but not the whole row.
 */
import type { Codec } from './codec.ts';
import { BLOCK, openKernels } from './kernels.ts';

export const int8: Codec = {
  name: 'int8',
  columns: (length) => [
    { name: 'gradient', kind: 'int8', width: length },
    { name: 'scale', kind: 'float32', width: Math.ceil(length / BLOCK) },
  ],
  isPlain: false,
  async open(length) {
    const kernels = await openKernels(length);
    const blocks = Math.ceil(length / BLOCK);
    return {
      encode(gradients, from, columns, row) {
        if (Number.isNaN(kernels.load(gradients, from))) return Number.NaN;
        const loss = kernels.encodeInt8();
        columns[0]!.set(kernels.bytes, row * length);
        columns[1]!.set(kernels.scales, row * blocks);
        return loss;
      },
      decode(columns, row, gradients, to) {
        kernels.bytes.set(columns[0]!.subarray(row * length, (row + 1) * length));
        kernels.scales.set(columns[1]!.subarray(row * blocks, (row + 1) * blocks));
        kernels.decodeInt8();
        gradients.set(kernels.gradient, to);
      },
    };
  },
};
