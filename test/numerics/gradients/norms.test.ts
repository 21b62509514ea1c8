import { beforeAll, describe, expect, it } from 'vitest';
import { batchNormTrain } from '../../../stages/numerics/gradients/batch-norm.ts';
import { groupNorm } from '../../../stages/numerics/gradients/group-norm.ts';
import { layerNorm } from '../../../stages/numerics/gradients/layer-norm.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../support/engine.ts';

const EPSILON = 1e-5;
type Shape = [number, number, number, number];

beforeAll(registerGradients);

/** Normal values around a mean of one's choice. */
function noise(shape: Shape, mean: number): tf.Tensor4D {
  const stream = randomStream(3, 'norms', ...shape);
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor4d(
    Float32Array.from({ length: size }, () => mean + stream.normal()),
    shape,
  );
}

/** (x - mean)/√(var + ε) of each set of entries that share a key, in float64; and dx for a cotangent dy. */
function reference(x: Float32Array, dy: Float32Array, keyOf: (index: number) => number) {
  const sets = new Map<number, number[]>();
  for (const i of x.keys()) sets.set(keyOf(i), [...(sets.get(keyOf(i)) ?? []), i]);
  const [y, dx] = [new Float64Array(x.length), new Float64Array(x.length)];
  for (const members of sets.values()) {
    const mean = (f: (i: number) => number) => members.reduce((sum, i) => sum + f(i), 0) / members.length;
    const center = mean((i) => x[i]!);
    const r = 1 / Math.sqrt(mean((i) => (x[i]! - center) ** 2) + EPSILON);
    for (const i of members) y[i] = (x[i]! - center) * r;
    const [a, b] = [mean((i) => dy[i]!), mean((i) => dy[i]! * y[i]!)];
    for (const i of members) dx[i] = r * (dy[i]! - a - y[i]! * b);
  }
  return { y, dx };
}

function error(found: tf.Tensor, expected: Float64Array): number {
  const values = found.dataSync();
  const square = (f: (i: number) => number) => expected.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return Math.sqrt(square((i) => values[i]! - expected[i]!) / square((i) => expected[i]!));
}

/** Each norm with γ = 1 and β = 0, and the set that entry i of [n, h, w, c] belongs to. */
const norms: Record<string, [(x: tf.Tensor4D) => tf.Tensor, (i: number, shape: Shape) => number]> = {
  batchNormTrain: [
    (x) => batchNormTrain(x, tf.ones([x.shape[3]]), tf.zeros([x.shape[3]]), EPSILON).y,
    (i, [, , , c]) => i % c,
  ],
  groupNorm: [
    (x) => groupNorm(x, tf.ones([x.shape[3]]), tf.zeros([x.shape[3]]), 2, EPSILON),
    (i, [, h, w, c]) => 2 * Math.floor(i / (h * w * c)) + Math.floor(((i % c) * 2) / c),
  ],
  layerNorm: [
    (x) => layerNorm(x, tf.ones([x.shape[3]]), tf.zeros([x.shape[3]]), EPSILON),
    (i, [, , , c]) => Math.floor(i / c),
  ],
};

describe.each(Object.entries(norms))('%s', (_name, [norm, setOf]) => {
  // The input itself is rounded to 6e-8 of its mean, so no more digits than these can be had.
  it.each([
    ['near 0', 0, 2e-6],
    ['10 standard deviations from 0', 10, 4e-6],
    ['1000 standard deviations from 0', 1000, 4e-4],
  ])('keeps its digits where the values lie %s', (_where, mean, tolerance) => {
    const shape: Shape = [3, 6, 5, 8];
    const [x, dy] = [noise(shape, mean), tf.reverse(noise(shape, 0), 3)];
    const { y, dx } = reference(x.dataSync() as Float32Array, dy.dataSync() as Float32Array, (i) =>
      setOf(i, shape),
    );
    expect(error(norm(x), y)).toBeLessThan(tolerance);
    expect(error(tf.grad((at: tf.Tensor) => norm(at as tf.Tensor4D))(x, dy), dx)).toBeLessThan(tolerance);
    // On an outer tape another path is taken, which is differentiable.
    const recorded = tf.grads((at: tf.Tensor, v: tf.Tensor) =>
      tf.sum(tf.mul(tf.grad((inner: tf.Tensor) => norm(inner as tf.Tensor4D))(at, v), v)),
    )([x, dy])[1]!;
    expect(error(tf.mul(recorded, 0.5), dx)).toBeLessThan(tolerance);
  });
});

describe('batchNormTrain', () => {
  it('returns the mean and the unbiased variance of each channel', () => {
    const x = tf.tensor4d([1, 10, 3, 10, 5, 16, 7, 16], [2, 2, 1, 2]);
    const { mean, variance } = batchNormTrain(x, tf.ones([2]), tf.zeros([2]), EPSILON);
    expect([...mean.dataSync()]).toEqual([4, 13]);
    expect([...variance.dataSync()].map((value) => value.toFixed(5))).toEqual(['6.66667', '12.00000']);
  });

  it('stays finite for a channel with one value or none but equal ones', () => {
    for (const shape of [
      [1, 1, 1, 2],
      [3, 2, 2, 1],
    ] as Shape[]) {
      const c = shape[3];
      const { y, variance } = batchNormTrain(tf.fill(shape, 5), tf.ones([c]), tf.fill([c], 0.25), EPSILON);
      expect(new Set(y.dataSync())).toEqual(new Set([0.25]));
      expect(new Set(variance.dataSync())).toEqual(new Set([0]));
    }
  });
});
