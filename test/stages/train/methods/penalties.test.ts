/** Penalties on a linear softmax classifier against their closed forms in double precision. */
import { beforeAll, describe, expect, it } from 'vitest';
import { registerGradients } from '../../../../stages/numerics/gradients/register.ts';
import { randomStream } from '../../../../stages/numerics/tensor/random.ts';
import '../../../support/engine.ts';
import { batchOf, columns, dot, LENGTH, linearNetwork, numbers, rowsOf, settingOf, step } from './support.ts';

beforeAll(registerGradients);

const CLASSES = 3;
const batch = batchOf(5, CLASSES);
const weights = numbers(LENGTH * CLASSES, 'weights').map((value) => 2 * value);
const w = columns(weights, CLASSES);
const points = rowsOf(batch).map((row) => Array.from(row));

function probabilities(x: number[]): number[] {
  const exps = w.map((column) => Math.exp(dot(column, x)));
  const total = exps.reduce((sum, value) => sum + value, 0);
  return exps.map((value) => value / total);
}

/** Σ over classes of c_y w_y. */
const combine = (c: number[]) =>
  Array.from({ length: LENGTH }, (_, j) => w.reduce((sum, column, y) => sum + c[y]! * column[j]!, 0));
const gradientAt = (x: number[], label: number) =>
  combine(probabilities(x).map((p, y) => p - (y === label ? 1 : 0)));
const square = (v: number[]) => dot(v, v);
const scaled = (v: number[], length: number) => v.map((value) => (value * length) / Math.sqrt(square(v)));
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** H v = W (diag p − p pᵀ) Wᵀ v. */
function hessianTimes(x: number[], v: number[]): number[] {
  const p = probabilities(x);
  const slopes = w.map((column) => dot(column, v));
  return combine(p.map((value, y) => value * (slopes[y]! - dot(p, slopes))));
}

function penaltyOf(train: object): number {
  return step(settingOf(train, linearNetwork(CLASSES), CLASSES), weights, batch).figures.penalty;
}

it('gradient-norm: ‖Σ (p_y − e_y) w_y‖²', () => {
  const expected = sum(points.map((x, i) => square(gradientAt(x, batch.labels[i]!))));
  expect(penaltyOf({ method: 'gradient-norm', lambda: 0.7 }) / expected).toBeCloseTo(1, 5);
});

describe('smoothness: ‖W (p(x + δ) − p(x))‖²', () => {
  const randomOf = (i: number) => randomStream(3, 'train-method', 1, batch.images[i]!);
  const gradients = points.map((x, i) => gradientAt(x, batch.labels[i]!));
  const displacements = {
    gaussian: (i: number) => Array.from(randomOf(i).fillNormal(new Float32Array(LENGTH)), (z) => 0.3 * z),
    ball: (i: number) => {
      const random = randomOf(i);
      return Array.from({ length: LENGTH }, () => 0.4 * (2 * random.uniform() - 1));
    },
    gradient: (i: number) => scaled(gradients[i]!, 0.5),
    sign: (i: number) => scaled(gradients[i]!.map(Math.sign), 0.5),
  };

  it.each([
    { kind: 'gaussian', sigma: 0.3 },
    { kind: 'ball', norm: 'Linf', radius: 0.4 },
    { kind: 'gradient', length: 0.5 },
    { kind: 'sign', length: 0.5 },
  ] as const)('δ of the kind $kind', (smoothness) => {
    const expected = sum(
      points.map((x, i) => {
        const delta = displacements[smoothness.kind](i);
        const there = gradientAt(
          x.map((value, j) => value + delta[j]!),
          batch.labels[i]!,
        );
        return square(there.map((value, j) => value - gradients[i]![j]!));
      }),
    );
    expect(expected).toBeGreaterThan(0.01);
    expect(penaltyOf({ method: 'smoothness', smoothness }) / expected).toBeCloseTo(1, 4);
  });

  it('is the Hessian penalty h² ‖H z‖² where the way is short', () => {
    const h = 0.01;
    const expected = sum(points.map((x, i) => square(hessianTimes(x, scaled(gradients[i]!, h)))));
    const found = penaltyOf({ method: 'smoothness', smoothness: { kind: 'gradient', length: h } });
    expect(Math.abs(found / expected - 1)).toBeLessThan(0.02);
  });

  it('is 0 where the gradient is the same everywhere: equal columns leave probabilities as they are', () => {
    const equal = weights.map((_, i) => w[0]![Math.floor(i / CLASSES)]!);
    const setting = settingOf(
      { method: 'smoothness', smoothness: { kind: 'gaussian', sigma: 1 } },
      linearNetwork(3),
      3,
    );
    expect(step(setting, equal, batch).figures.penalty).toBeLessThan(1e-10);
  });
});
