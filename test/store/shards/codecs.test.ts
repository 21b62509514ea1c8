import { expect, test } from 'vitest';
import { VALUE_KINDS } from '../../../store/shards/arrow-columns.ts';
import type { Codec } from '../../../store/shards/codecs/codec.ts';
import { halfFromFloat32Bits, halfToNumber } from '../../../store/shards/codecs/half.ts';
import { codecs } from '../../../store/shards/codecs.ts';
import { cosineLoss } from '../../../store/shards/cosine-loss.ts';
import { normal, normalArray, uniform } from './sample-stores.ts';

const ALL = Object.values(codecs);
const LENGTH = 3072;

function throughCodec(codec: Codec, gradient: Float32Array): Float32Array {
  const row = codec
    .columns(gradient.length)
    .map(({ kind, width }) => new VALUE_KINDS[kind].array(width ?? 1));
  codec.encode(gradient, row);
  const decoded = new Float32Array(gradient.length).fill(Number.NaN);
  codec.decode(row, decoded);
  return decoded;
}

/** 1 − cos by the textbook formula, in double precision. */
function plainCosineLoss(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a)) / Math.sqrt(dot(b, b));
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
  '%s keeps the direction of %s',
  (codec, name) => {
    for (let seed = 1; seed <= 5; seed++) {
      const gradient = DISTRIBUTIONS[name]!(seed);
      const decoded = throughCodec(codecs[codec], gradient);
      if (codec === 'float32')
        expect(Buffer.compare(Buffer.from(decoded.buffer), Buffer.from(gradient.buffer))).toBe(0);
      else expect(plainCosineLoss(gradient, decoded)).toBeLessThanOrEqual(BOUNDS[codec]);
    }
  },
);

test.each(ALL.map((codec) => codec.name))('%s keeps zeros zero', (name) => {
  expect(throughCodec(codecs[name], new Float32Array(LENGTH))).toEqual(new Float32Array(LENGTH));
});

test.each(ALL.map((codec) => codec.name))('%s keeps a single value of any size', (name) => {
  for (const value of [1, -3, 2 ** -149, -(2 ** -126), 3.4028234663852886e38, 0.1, -1e-40]) {
    const decoded = throughCodec(codecs[name], Float32Array.of(value))[0]!;
    expect(Math.abs(decoded / Math.fround(value) - 1)).toBeLessThan(1e-2);
  }
});

test('float16 keeps 11 bits of every value that is at least 2^-28 of the largest', () => {
  for (const scale of [1e-38, 1e-7, 1, 1e5, 1e37]) {
    const gradient = normalArray(LENGTH, 5, scale);
    const largest = Math.max(...gradient.map(Math.abs));
    const decoded = throughCodec(codecs.float16, gradient);
    const worst = gradient.reduce(
      (most, value, i) =>
        Math.abs(value) < largest * 2 ** -28 ? most : Math.max(most, Math.abs(decoded[i]! / value - 1)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(2 ** -11);
  }
});

test('int8 is off by at most half a step of the largest value of its 64', () => {
  const gradient = normalArray(100, 6).map((value, i) => (i < 64 ? value * 1000 : value));
  const decoded = throughCodec(codecs.int8, gradient);
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

test('the cosine loss agrees with the textbook formula where that has digits', () => {
  const a = normalArray(LENGTH, 7);
  const error = normalArray(LENGTH, 8);
  for (const noise of [0.01, 0.3, 1, 10]) {
    const b = a.map((value, i) => value * 3 + noise * error[i]!);
    expect(cosineLoss(a, b)).toBeCloseTo(plainCosineLoss(a, b), 12);
  }
  expect(
    cosineLoss(
      a,
      a.map((value) => -2 * value),
    ),
  ).toBeCloseTo(2, 12);
});

test('the cosine loss is exact where nothing or everything is lost', () => {
  const a = normalArray(LENGTH, 9);
  const zeros = new Float32Array(LENGTH);
  expect(cosineLoss(a, a)).toBe(0);
  expect(cosineLoss(zeros, zeros)).toBe(0);
  expect(cosineLoss(a, zeros)).toBe(1);
});
