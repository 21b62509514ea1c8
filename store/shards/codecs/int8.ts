/**
 * Gradients as whole numbers from −127 to 127 with a scale for each block of 64 values: 1.06 bytes a value.
 * value ≈ gradient · scale of its block. The scale is a 127th of the largest value of the block, so a few large values
 * cost their neighbours their precision, but not the whole row.
 */
import type { Codec } from './codec.ts';
import { openDecoderMemory } from './decoder-memory.ts';
import { openEncoderMemory } from './encoder-memory.ts';
import { BLOCK } from './kernels.ts';

export const int8: Codec = {
  name: 'int8',
  columns: (length) => [
    { name: 'gradient', kind: 'int8', width: length },
    { name: 'scale', kind: 'float32', width: Math.ceil(length / BLOCK) },
  ],
  isPlain: false,
  async openEncoder(length) {
    const memory = await openEncoderMemory(length);
    const { kernels, padded, gradientAddress, packedAddress, scalesAddress } = memory;
    const blocks = padded / BLOCK;
    const bytes = new Int8Array(kernels.memory.buffer, packedAddress, length);
    const scales = new Float32Array(kernels.memory.buffer, scalesAddress, blocks);
    return {
      encode(gradients, from, columns, row) {
        if (Number.isNaN(memory.load(gradients, from))) return Number.NaN;
        kernels.encodeInt8(gradientAddress, padded, packedAddress, scalesAddress);
        columns[0]!.set(bytes, row * length);
        columns[1]!.set(scales, row * blocks);
        return memory.cosineLoss();
      },
    };
  },
  async openDecoder(length, storedBytes, rows) {
    const memory = await openDecoderMemory(length, storedBytes, rows);
    const { kernels, stored, decoded, storedAddress, decodedAddress } = memory;
    const scaleBytes = Math.ceil(length / BLOCK) * Float32Array.BYTES_PER_ELEMENT;
    return {
      stored,
      decoded,
      decode(places, row, index) {
        const from = storedAddress + places[0]! + row * length;
        const scales = storedAddress + places[1]! + row * scaleBytes;
        kernels.decodeInt8(
          from,
          length,
          decodedAddress + index * length * Float32Array.BYTES_PER_ELEMENT,
          scales,
        );
      },
    };
  },
};
