/** IEEE 754 binary16 numbers as their 16 bits. */

const SIGN = 0x8000;
const BITS_32_OF_SMALLEST_NORMAL_HALF = 0x38800000;
const BITS_32_OF_HALF_THE_SMALLEST_HALF = 0x33000000;
/** Difference of the exponents' biases (127 − 15), at the place of the exponent of binary32. */
const BIAS_DIFFERENCE = 112 << 23;

/**
 * The nearest half to a binary32 number given by its bits, ties to even. |value| must be below 65520, where halves
 * end; there is no infinity and no NaN here.
 */
export function halfFromFloat32Bits(bits: number): number {
  const sign = (bits >>> 16) & SIGN;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= BITS_32_OF_SMALLEST_NORMAL_HALF) {
    // Half a unit of the last place that stays, less one where the number before the cut is even.
    const rounding = 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((magnitude - BIAS_DIFFERENCE + rounding) >>> 13);
  }
  if (magnitude <= BITS_32_OF_HALF_THE_SMALLEST_HALF) return sign;
  return sign | subnormalHalf(magnitude);
}

/** Below 2⁻¹⁴ halves are multiples of 2⁻²⁴. */
function subnormalHalf(magnitude: number): number {
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const floor = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && (floor & 1) === 1) ? floor + 1 : floor;
}

/** The number that a half's bits stand for, by the definition of the format. */
export function halfToNumber(bits: number): number {
  const sign = bits & SIGN ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
