import { expect, test } from 'vitest';
import { type ColumnValues, layOut, VALUE_KINDS, viewColumn } from '../../../store/shards/arrow-columns.ts';
import type { Codec } from '../../../store/shards/codecs/codec.ts';
import { codecs } from '../../../store/shards/codecs.ts';
import { plainCodecs } from './plain-codecs.ts';
import { halfFromFloat32Bits, halfToNumber } from './plain-half.ts';
import { normal, normalArray, uniform } from './sample-stores.ts';

const ALL = Object.values(codecs);
const LENGTH = 3072;

interface Passed {
  decoded: Float32Array;
  loss: number;
  row: ColumnValues[];
}

/** Takes a gradient through a codec, as the second of three rows, between values that must stay. */
async function throughCodec(codec: Codec, gradient: Float32Array): Promise<Passed> {
  const { length } = gradient;
  const columns = codec.columns(length);
  const { offsets, bytes } = layOut(columns, 3);
  const buffer = new ArrayBuffer(bytes);
  const table = columns.map((column, c) => viewColumn(column, buffer, offsets[c]!, 3).fill(3));
  const gradients = new Float32Array(length + 3).fill(8);
  gradients.set(gradient, 2);
  const encoder = await codec.openEncoder(length);
  const loss = encoder.encode(gradients, 2, table, 1);
  for (const [c, { width }] of columns.entries()) {
    const others = [...table[c]!.subarray(0, width ?? 1), ...table[c]!.subarray(2 * (width ?? 1))];
    expect(others.every((value) => value === 3)).toBe(true);
  }
  const decoder = await codec.openDecoder(length, bytes + 64, 2);
  decoder.stored.set(new Uint8Array(buffer), 64);
  const places = offsets.map((offset) => 64 + offset);
  decoder.decode(places, 1, 0);
  const decoded = decoder.decoded.slice(0, length);
  decoder.decode(places, 1, 1);
  expect(firstDifference(decoder.decoded, [...decoded, ...decoded])).toBe(-1);
  const row = columns.map(({ width }, c) => table[c]!.subarray(width ?? 1, 2 * (width ?? 1)));
  return { decoded, loss, row };
}

/** 1 − cos by the textbook formula, in double precision. */
function plainCosineLoss(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a)) / Math.sqrt(dot(b, b));
}

/**
 * 1 − cos, 0 where both are zero. By 2|a||b| (1 − cos) = |b − a|² − (|b| − |a|)², which keeps its digits where cos is all
 * but 1. The values are first divided by the largest, as squares of the smallest would vanish.
 */
function cosineLoss(a: Float32Array, b: Float32Array): number {
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let [aa, bb, dd] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! / (largest || 1), b[i]! / (largest || 1)];
    aa += x * x;
    bb += y * y;
    dd += (y - x) * (y - x);
  }
  if (aa === 0 || bb === 0) return aa === bb ? 0 : 1;
  const [aNorm, bNorm] = [Math.sqrt(aa), Math.sqrt(bb)];
  const difference = (bb - aa) / (aNorm + bNorm);
  return Math.max(0, (dd - difference * difference) / (2 * aNorm * bNorm));
}

const DISTRIBUTIONS: Record<string, (seed: number) => Float32Array> = {
  'normal values': (seed) => normalArray(LENGTH, seed),
  'normal values near 1e-7': (seed) => normalArray(LENGTH, seed, 1e-7),
  'normal values near 1e5': (seed) => normalArray(LENGTH, seed, 1e5),
  'Laplace values': (seed) => {
    const next = uniform(seed);
    return Float32Array.from({ length: LENGTH }, () => Math.sign(next() - 0.5) * -Math.log(1 - next()));
  },
  'one value in twenty, the others zero': (seed) => {
    const next = normal(seed);
    return Float32Array.from({ length: LENGTH }, (_, i) => (i % 20 === 0 ? next() : 0));
  },
  'a smooth picture with a bright spot': () =>
    Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(i / 100) + (i === 1500 ? 40 : 0)),
};

const BOUNDS = { float32: 0, float16: 1e-6, int8: 1e-3 };

test.each(ALL.flatMap((codec) => Object.keys(DISTRIBUTIONS).map((name) => [codec.name, name] as const)))(
  '%s keeps the direction of %s, and measures how well',
  async (codec, name) => {
    for (let seed = 1; seed <= 5; seed++) {
      const gradient = DISTRIBUTIONS[name]!(seed);
      const { decoded, loss } = await throughCodec(codecs[codec], gradient);
      const expected = cosineLoss(gradient, decoded);
      expect(expected).toBeLessThanOrEqual(BOUNDS[codec]);
      expect(Math.abs(loss - expected)).toBeLessThanOrEqual(1e-4 * expected + 1e-20);
    }
  },
);

/** Gradients on which arithmetic that is almost right goes wrong. */
const HARD: Record<string, () => Float32Array> = {
  ...Object.fromEntries(Object.entries(DISTRIBUTIONS).map(([name, make]) => [name, () => make(3)])),
  'any bits that are a number': () => {
    const next = uniform(11);
    const bits = Uint32Array.from({ length: LENGTH }, () => next() * 2 ** 32);
    return new Float32Array(bits.buffer).map((value) => (Number.isFinite(value) ? value : 1));
  },
  'every exponent': () => Float32Array.from({ length: 280 }, (_, i) => (1 + i / 300) * 2 ** (i - 152)),
  'subnormal numbers': () => normalArray(200, 12, 2 ** -140),
  'the smallest numbers': () => Float32Array.from({ length: 100 }, (_, i) => (i % 7) * 2 ** -149),
  'the largest numbers': () =>
    Float32Array.from({ length: 70 }, (_, i) => 3.4028234663852886e38 * (1 - i / 80)),
  'ties of halves and their neighbours': () => {
    const middle = Float32Array.from({ length: 1000 }, (_, i) => (2048 + 2 * i + 1) / 4096);
    const bits = new Uint32Array(middle.buffer);
    return Float32Array.of(1, ...middle, ...floats(bits, 1), ...floats(bits, -1));
  },
  'ties of whole numbers and their neighbours': () => {
    const middle = Float32Array.from({ length: 1000 }, (_, i) => ((i % 253) - 126.5) * 0.3);
    const bits = new Uint32Array(middle.buffer);
    const all = [...middle, ...floats(bits, 1), ...floats(bits, -1)];
    return Float32Array.from(all, (value, i) => (i % 64 === 0 ? 127 * 0.3 : value));
  },
  'zeros of both signs': () => Float32Array.from({ length: 130 }, (_, i) => (i % 2 === 0 ? 0 : -0)),
  'one value': () => Float32Array.of(-0.3),
  '63 values': () => normalArray(63, 13),
  '65 values': () => normalArray(65, 14),
  'as many values as an image of 224 x 224': () => normalArray(224 * 224 * 3, 15),
};

function floats(bits: Uint32Array, difference: number): Float32Array {
  return new Float32Array(bits.map((value) => value + difference).buffer);
}

test.each(
  (['float16', 'int8'] as const).flatMap((codec) => Object.keys(HARD).map((name) => [codec, name] as const)),
)('%s is what its definition says, bit by bit: %s', async (name, kind) => {
  const gradient = HARD[kind]!();
  const plain = plainCodecs[name].encode(gradient);
  const { decoded, row, loss } = await throughCodec(codecs[name], gradient);
  expect(firstDifference(row[0]!, plain.gradient)).toBe(-1);
  expect(firstDifference(row[1]!, plain.scale)).toBe(-1);
  expect(firstDifference(decoded, plainCodecs[name].decode(plain))).toBe(-1);
  const expected = cosineLoss(gradient, decoded);
  expect(Math.abs(loss - expected)).toBeLessThanOrEqual(1e-4 * expected + 1e-20);
});

/** Index of the first value that is another one, -1 where there is none. Zeros of other signs are others. */
function firstDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Array.from(found).findIndex((value, i) => !Object.is(value, expected[i]));
}

test.each(ALL.flatMap(({ name }) => [0, 63, 64, 99].map((at) => [name, at] as const)))(
  '%s refuses a value that is not finite at %i',
  async (name, at) => {
    const encoder = await codecs[name].openEncoder(100);
    const columns = codecs[name].columns(100);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const table = columns.map(({ kind, width }) => new VALUE_KINDS[kind].array(width ?? 1).fill(3));
      const gradient = normalArray(100, 1);
      gradient[at] = value;
      expect(encoder.encode(gradient, 0, table, 0)).toBeNaN();
      expect(table.every((column) => column.every((entry) => entry === 3))).toBe(true);
      gradient[at] = 3e38;
      expect(encoder.encode(gradient, 0, table, 0)).toBeLessThan(1e-3);
    }
  },
);

test.each(ALL.map((codec) => codec.name))('%s keeps zeros zero', async (name) => {
  const { decoded, loss } = await throughCodec(codecs[name], new Float32Array(LENGTH));
  expect(decoded).toEqual(new Float32Array(LENGTH));
  expect(loss).toBe(0);
});

test.each(ALL.map((codec) => codec.name))('%s keeps a single value of any size', async (name) => {
  for (const value of [1, -3, 2 ** -149, -(2 ** -126), 3.4028234663852886e38, 0.1, -1e-40]) {
    const { decoded } = await throughCodec(codecs[name], Float32Array.of(value));
    expect(Math.abs(decoded[0]! / Math.fround(value) - 1)).toBeLessThan(1e-2);
  }
});

test('float16 keeps 11 bits of every value that is at least 2^-28 of the largest', async () => {
  for (const scale of [1e-38, 1e-7, 1, 1e5, 1e37]) {
    const gradient = normalArray(LENGTH, 5, scale);
    const largest = Math.max(...gradient.map(Math.abs));
    const { decoded } = await throughCodec(codecs.float16, gradient);
    const worst = gradient.reduce(
      (most, value, i) =>
        Math.abs(value) < largest * 2 ** -28 ? most : Math.max(most, Math.abs(decoded[i]! / value - 1)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(2 ** -11);
  }
});

test('int8 is off by at most half a step of the largest value of its 64', async () => {
  const gradient = normalArray(100, 6).map((value, i) => (i < 64 ? value * 1000 : value));
  const { decoded } = await throughCodec(codecs.int8, gradient);
  for (const [start, end] of [
    [0, 64],
    [64, 100],
  ]) {
    const step = Math.max(...gradient.subarray(start, end).map(Math.abs)) / 127;
    for (let i = start!; i < end!; i++) {
      expect(Math.abs(decoded[i]! - gradient[i]!)).toBeLessThanOrEqual(step * 0.5001);
    }
  }
});

test('halves are decoded as their definition says', () => {
  const known: [number, number][] = [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x03ff, 2 ** -14 - 2 ** -24],
    [0x0001, 2 ** -24],
    [0x3555, 0.333251953125],
    [0x7c00, Number.POSITIVE_INFINITY],
  ];
  for (const [bits, value] of known) expect(halfToNumber(bits)).toBe(value);
  expect(halfToNumber(0x7e00)).toBeNaN();
});

test('a number becomes the nearest half, a tie the even one', () => {
  const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const nearest = (value: number) => halfFromFloat32Bits(bitsOf(value));
  const wrong = Array.from({ length: 0x7bff }, (_, bits) => bits).filter((bits) => {
    const [low, high] = [halfToNumber(bits), halfToNumber(bits + 1)];
    const [middle, little] = [(low + high) / 2, (high - low) / 1000];
    const isRight =
      nearest(low) === bits &&
      nearest(-low) === (bits | 0x8000) &&
      nearest(middle) === bits + (bits % 2) &&
      nearest(middle - little) === bits &&
      nearest(middle + little) === bits + 1;
    return !isRight;
  });
  expect(wrong).toEqual([]);
});

test('the reference for the cosine loss agrees with the textbook formula where that has digits', () => {
  const a = normalArray(LENGTH, 7);
  const error = normalArray(LENGTH, 8);
  for (const noise of [0.01, 0.3, 1, 10]) {
    const b = a.map((value, i) => value * 3 + noise * error[i]!);
    expect(cosineLoss(a, b)).toBeCloseTo(plainCosineLoss(a, b), 12);
  }
});
