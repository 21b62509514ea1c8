/** The steps of APGD against its formulas written plainly. */
import { describe, expect, it } from 'vitest';
import {
  type MomentumStep,
  stepL2,
  stepLinf,
  surroundings,
} from '../../../stages/numerics/attacks/momentum-steps.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { kthSmallest } from '../../../stages/numerics/attacks/order-statistics.ts';
import { adaptiveSparsity, sparseStep } from '../../../stages/numerics/attacks/sparse-step.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';

const SIZE = 100;
const random = randomStream('positions');
const uniform = (low: number, high: number) =>
  Float32Array.from({ length: SIZE }, () => low + (high - low) * random.uniform());

describe('the step with momentum', () => {
  const cases: { norm: 'Linf' | 'L2'; step: MomentumStep; eps: number }[] = [
    { norm: 'Linf', step: stepLinf, eps: 0.1 },
    { norm: 'L2', step: stepL2, eps: 0.7 },
  ];
  it.each(cases)('is the formula of the paper, $norm', ({ norm, step, eps }) => {
    const { project, steepest } = norms[norm];
    for (const box of [[0, 1], null] as const) {
      for (const stepSize of [2 * eps, eps / 16]) {
        const image = uniform(0, 1);
        const [x, previous] = [0, 1].map(() => project(uniform(-0.5, 1.5), image, eps, box)) as [
          Float32Array,
          Float32Array,
        ];
        // Zeros, and values that single precision can only just hold.
        const gradient = uniform(-1, 1).map((value, i) =>
          i % 5 === 0 ? 0 : i % 7 === 0 ? value * 1e-38 : value,
        );
        const direction = steepest(gradient.slice());
        const z = project(
          x.map((value, i) => value + stepSize * direction[i]!),
          image,
          eps,
          box,
        );
        const expected = project(
          x.map((value, i) => value + 0.75 * (z[i]! - value) + 0.25 * (value - previous[i]!)),
          image,
          eps,
          box,
        );
        // The next point may be written over the one before.
        step(previous, { x, previous, gradient }, surroundings(image, eps, box), stepSize, 0.75);
        expect(norms.Linf.distance(previous, expected)).toBeLessThan(2e-7);
      }
    }
  });

  it.each(cases)('stays where a gradient of nothing but zeros leaves it, $norm', ({ step, eps }) => {
    const image = uniform(0.3, 0.7);
    const x = image.slice();
    const out = new Float32Array(SIZE);
    const still = { x, previous: x, gradient: new Float32Array(SIZE) };
    step(out, still, surroundings(image, eps, [0, 1]), 2 * eps, 1);
    expect(norms.Linf.distance(out, x)).toBeLessThan(1e-7);
  });
});

describe('the sparse step', () => {
  const image = uniform(0.4, 0.6);
  const around = { image, eps: 1, box: [0, 1] as const };
  const scratch = new Float32Array(SIZE);

  it('moves the coordinates of the largest gradients, all by the same length', () => {
    const gradient = uniform(-1, 1);
    const out = new Float32Array(SIZE);
    sparseStep(out, { x: image, previous: image, gradient }, around, 0.5, 0.2, scratch);
    const moved = [...out.keys()].filter((i) => out[i] !== image[i]);
    const largest = [...gradient.keys()].sort((a, b) => Math.abs(gradient[b]!) - Math.abs(gradient[a]!));
    expect(moved).toEqual(largest.slice(0, 20).sort((a, b) => a - b));
    for (const i of moved) expect(out[i]! - image[i]!).toBeCloseTo((0.5 / 20) * Math.sign(gradient[i]!), 6);
  });

  it('stays where there is no gradient', () => {
    const out = new Float32Array(SIZE);
    const nothing = { x: image, previous: image, gradient: new Float32Array(SIZE) };
    sparseStep(out, nothing, around, 0.5, 0.2, scratch);
    expect(out).toEqual(image);
  });

  it('follows the sparsity of the best point, with long steps again whenever that has become sparser', () => {
    const with_ = (changed: number) => image.map((value, i) => (i < changed ? value + 0.1 : value));
    const sparsity = adaptiveSparsity(image, 1, 100, null);
    const review = (changed: number) => [1, 2, 3, 4].map(() => sparsity.review(with_(changed)));
    expect(sparsity.share).toBeCloseTo(0.2, 6);
    expect(sparsity.stepSize).toBe(1);
    expect(review(60)).toEqual([false, false, false, true]);
    expect(sparsity.share).toBeCloseTo(0.4, 6);
    expect(sparsity.stepSize).toBe(1);
    expect(review(58)).toEqual([false, false, false, false]);
    expect(sparsity.share).toBeCloseTo(58 / 150, 6);
    expect(sparsity.stepSize).toBeCloseTo(1 / 1.5, 12);
    for (let i = 0; i < 9; i++) review(58);
    expect(sparsity.stepSize).toBe(0.1);
    expect(review(30)).toEqual([false, false, false, true]);
    expect(sparsity.stepSize).toBe(1);
  });

  it('goes on from a given point with its sparsity', () => {
    const start = image.map((value, i) => (i < 30 ? value + 0.01 : value));
    expect(adaptiveSparsity(image, 1, 30, start).share).toBeCloseTo(0.2, 6);
  });
});

describe('the value of a rank', () => {
  it('is that of the sorted values', () => {
    for (let trial = 0; trial < 200; trial++) {
      const size = 1 + random.integer(40);
      const values = Float32Array.from({ length: size }, () => random.integer(1 + random.integer(30)));
      const rank = random.integer(size);
      const sorted = values.slice().sort();
      expect(kthSmallest(values, rank)).toBe(sorted[rank]);
    }
  });
});
