/**
 * Gradients in half precision with a power of two per row: 2 bytes a value. The power brings the largest value of
 * the row to [2¹⁴, 2¹⁵), so that neither rows near 1e-7 vanish nor rows near 1e5 overflow.
 * value = gradient · scale, exactly.
 */
import type { Codec } from './codec.ts';
import { openDecoderMemory } from './decoder-memory.ts';
import { openEncoderMemory } from './encoder-memory.ts';

/** Exponent of the largest value of an encoded row. */
const TOP_EXPONENT = 14;
/** Of the smallest float32. */
const MIN_EXPONENT = -149;
/** The largest power of two in float32. */
const LARGEST_POWER = 2 ** 127;

export const float16: Codec = {
  name: 'float16',
  columns: (length) => [
    { name: 'gradient', kind: 'float16', width: length },
    { name: 'scale', kind: 'float32', width: null },
  ],
  isPlain: false,
  async openEncoder(length) {
    const memory = await openEncoderMemory(length);
    const { kernels, padded, gradientAddress, packedAddress } = memory;
    const halves = new Uint16Array(kernels.memory.buffer, packedAddress, length);
    return {
      encode(gradients, from, columns, row) {
        const scale = scaleOf(memory.load(gradients, from));
        if (Number.isNaN(scale)) return Number.NaN;
        const factor = 1 / scale;
        const first = Math.min(factor, LARGEST_POWER);
        kernels.encodeHalf(gradientAddress, padded, packedAddress, first, factor / first);
        columns[0]!.set(halves, row * length);
        columns[1]![row] = scale;
        return memory.cosineLoss();
      },
    };
  },
  async openDecoder(length, storedBytes, rows) {
    const memory = await openDecoderMemory(length, storedBytes, rows);
    const { kernels, stored, decoded, storedAddress, decodedAddress } = memory;
    const scales = new DataView(stored.buffer, storedAddress, storedBytes);
    return {
      stored,
      decoded,
      decode(places, row, index) {
        const half = storedAddress + places[0]! + row * length * Uint16Array.BYTES_PER_ELEMENT;
        const to = decodedAddress + index * length * Float32Array.BYTES_PER_ELEMENT;
        const scale = scales.getFloat32(places[1]! + row * Float32Array.BYTES_PER_ELEMENT, true);
        kernels.decodeHalf(half, length, to, scale);
      },
    };
  },
};

/** The power of two by which a row with this largest magnitude is divided; 1 for a row of zeros. */
function scaleOf(largest: number): number {
  if (largest === 0) return 1;
  return 2 ** Math.max(MIN_EXPONENT, exponentOf(largest) - TOP_EXPONENT);
}

/** The whole number e with 2^e ≤ value < 2^(e+1), for a positive float32. */
function exponentOf(value: number): number {
  const exponent = Math.floor(Math.log2(value));
  // The logarithm of a number just below a power of two may be rounded up to that power.
  return 2 ** exponent > value ? exponent - 1 : exponent;
}
