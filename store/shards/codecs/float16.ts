/**
 * Gradients in half precision with a power of two per row: 2 bytes a value. The power brings the largest value of
 * the row to [2¹⁴, 2¹⁵), so that neither rows near 1e-7 vanish nor rows near 1e5 overflow.
 * value = gradient · scale, exactly.
 */
import type { Codec } from './codec.ts';
import { halfFromFloat32Bits, halfTable } from './half.ts';

/** Exponent of the largest value of an encoded row. */
const TOP_EXPONENT = 14;
/** 2¹⁵ as a half. Rounding up to it would carry the largest float32 beyond the end of float32. */
const BEYOND_TOP = 0x7800;
/** All bits of a half but its sign. */
const MAGNITUDE = 0x7fff;
/** Of the smallest float32. */
const MIN_EXPONENT = -149;

let scaled = new Float32Array(0);
let scaledBits = new Uint32Array(0);

export const float16: Codec = {
  name: 'float16',
  columns: (length) => [
    { name: 'gradient', kind: 'float16', width: length },
    { name: 'scale', kind: 'float32', width: null },
  ],
  encode(gradient, row) {
    const length = gradient.length;
    if (scaled.length < length) {
      scaled = new Float32Array(length);
      scaledBits = new Uint32Array(scaled.buffer);
    }
    const scale = scaleOf(gradient);
    const halves = row[0]!;
    // Exact, as both are powers of two.
    const factor = 1 / scale;
    for (let i = 0; i < length; i++) scaled[i] = gradient[i]! * factor;
    for (let i = 0; i < length; i++) {
      const half = halfFromFloat32Bits(scaledBits[i]!);
      halves[i] = (half & MAGNITUDE) === BEYOND_TOP ? half - 1 : half;
    }
    row[1]![0] = scale;
  },
  decode(row, gradient) {
    const halves = row[0]!;
    const scale = row[1]![0]!;
    const values = halfTable();
    for (let i = 0; i < gradient.length; i++) gradient[i] = values[halves[i]!]! * scale;
  },
};

/** The power of two by which a row is divided; 1 for a row of zeros. */
function scaleOf(gradient: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < gradient.length; i++) {
    const magnitude = Math.abs(gradient[i]!);
    if (magnitude > largest) largest = magnitude;
  }
  if (largest === 0) return 1;
  return 2 ** Math.max(MIN_EXPONENT, exponentOf(largest) - TOP_EXPONENT);
}

/** The whole number e with 2^e ≤ value < 2^(e+1), for a positive float32. */
function exponentOf(value: number): number {
  const exponent = Math.floor(Math.log2(value));
  // The logarithm of a number just below a power of two may be rounded up to that power.
  return 2 ** exponent > value ? exponent - 1 : exponent;
}
