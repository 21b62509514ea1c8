/** Gradients as they are: 4 bytes a value, nothing lost. */
import type { Codec } from './codec.ts';
import { openDecoderMemory } from './decoder-memory.ts';
import { openEncoderMemory } from './encoder-memory.ts';

export const float32: Codec = {
  name: 'float32',
  columns: (length) => [{ name: 'gradient', kind: 'float32', width: length }],
  isPlain: true,
  async openEncoder(length) {
    const { load } = await openEncoderMemory(length);
    return {
      encode(gradients, from, columns, row) {
        if (Number.isNaN(load(gradients, from))) return Number.NaN;
        columns[0]!.set(gradients.subarray(from, from + length), row * length);
        return 0;
      },
    };
  },
  async openDecoder(length, storedBytes, rows) {
    const { stored, decoded } = await openDecoderMemory(length, storedBytes, rows);
    const bytes = new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.byteLength);
    const rowBytes = length * Float32Array.BYTES_PER_ELEMENT;
    return {
      stored,
      decoded,
      decode(places, row, index) {
        const from = places[0]! + row * rowBytes;
        bytes.set(stored.subarray(from, from + rowBytes), index * rowBytes);
      },
    };
  },
};
