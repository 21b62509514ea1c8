/**
 * What the codecs are by definition, value by value in plain JavaScript: the kernels must give the same bytes, and the
 * same values back.
 */
import { halfFromFloat32Bits, halfToNumber } from './plain-half.ts';

const BLOCK = 64;

export interface Packed {
  /** Bits of the halves, or whole numbers. */
  gradient: number[];
  scale: number[];
}

export interface PlainCodec {
  encode(gradient: Float32Array): Packed;
  decode(packed: Packed): Float32Array;
}

const float16: PlainCodec = {
  encode(gradient) {
    const scale = powerOfTwo(largestOf(gradient));
    const scaled = Float32Array.from(gradient, (value) => value * (1 / scale));
    const halves = Array.from(new Uint32Array(scaled.buffer), (bits) => {
      const half = halfFromFloat32Bits(bits);
      // Not up to 2^15: that could become more than float32 holds when it is multiplied by the scale.
      return (half & 0x7fff) === 0x7800 ? half - 1 : half;
    });
    return { gradient: halves, scale: [scale] };
  },
  decode: ({ gradient, scale }) => Float32Array.from(gradient, (half) => halfToNumber(half) * scale[0]!),
};

/** Brings the largest value to [2¹⁴, 2¹⁵). */
function powerOfTwo(largest: number): number {
  if (largest === 0) return 1;
  let exponent = -149;
  while (2 ** (exponent + 1) <= largest) exponent++;
  return 2 ** Math.max(-149, exponent - 14);
}

const int8: PlainCodec = {
  encode(gradient) {
    const scale: number[] = [];
    const values = Array.from(gradient, (value, i) => {
      if (i % BLOCK === 0) scale.push(aHundredTwentySeventh(largestOf(gradient.subarray(i, i + BLOCK))));
      return Math.round(value * (1 / scale.at(-1)!)) + 0;
    });
    return { gradient: values, scale };
  },
  decode: ({ gradient, scale }) =>
    Float32Array.from(gradient, (value, i) => value * scale[Math.floor(i / BLOCK)]!),
};

/** Rounded down to a float32, or up where float32 has few digits left. */
function aHundredTwentySeventh(largest: number): number {
  if (largest === 0) return 1;
  const scale = largest / 127;
  if (scale < 2 ** -126) return Math.ceil(scale / 2 ** -149) * 2 ** -149;
  const rounded = Math.fround(scale);
  return rounded > scale ? Math.fround(scale * (1 - 2 ** -24)) : rounded;
}

function largestOf(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

export const plainCodecs = { float16, int8 };
