/** Samplers against closed forms: with the exact denoiser of a Gaussian the flow can be integrated by hand. */
import '../../../support/engine.ts';
import { describe, expect, it } from 'vitest';
import {
  type GaussianMode,
  gaussianDenoiser,
} from '../../../../stages/numerics/diffusion/gaussian-mixture.ts';
import { samplingLevels } from '../../../../stages/numerics/diffusion/samplers/levels.ts';
import { samplers } from '../../../../stages/numerics/diffusion/samplers/registry.ts';
import type { Churn, Denoiser } from '../../../../stages/numerics/diffusion/samplers/sampler.ts';
import { randomStream } from '../../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../../stages/numerics/tensor/tf.ts';

const still: Churn = { amount: 0, least: 0, largest: Number.POSITIVE_INFINITY, noise: 1 };
const noNoise = () => {
  throw new Error('a deterministic sampler asked for noise');
};

/** Data of deviation 0.5. */
const gaussian: Denoiser = (x, sigma) => tf.mul(x, 0.25 / (0.25 + sigma * sigma));

/** Relative error at σ = 0.2 of the flow that starts at σ = 20, whose solution is x ~ √(0.25 + σ²). */
function flowError(name: keyof typeof samplers, steps: number): number {
  const levels = samplingLevels(steps, [0.2, 20]).slice(0, -1);
  const x = tf.tensor2d([[1.3, -0.4]]);
  const found = samplers[name](gaussian, x, levels, still, noNoise).dataSync();
  const factor = Math.sqrt((0.25 + 0.2 ** 2) / (0.25 + 20 ** 2));
  return Math.hypot(found[0]! / (1.3 * factor) - 1, found[1]! / (-0.4 * factor) - 1);
}

describe('noise levels of a sampler', () => {
  it('fall from the largest to the least evenly in the seventh root, and end at 0', () => {
    const levels = samplingLevels(18, [0.002, 80]);
    expect(levels.length).toBe(19);
    expect(levels[0]).toBeCloseTo(80, 10);
    expect(levels[17]).toBeCloseTo(0.002, 10);
    expect(levels[18]).toBe(0);
    const roots = levels.slice(0, 18).map((sigma) => sigma ** (1 / 7));
    for (let i = 2; i < 18; i++) expect(roots[i]! - roots[i - 1]!).toBeCloseTo(roots[1]! - roots[0]!, 10);
  });

  it('are those that the model knows, each once', () => {
    expect(samplingLevels(5, [0.6, 3], Math.round)).toEqual([3, 2, 1, 0]);
  });
});

describe('samplers', () => {
  it.each([
    { name: 'heun', order: 2 },
    { name: 'ddim', order: 1 },
  ] as const)('$name converges to the solution with order $order', ({ name, order }) => {
    const errors = [16, 32, 64].map((steps) => flowError(name, steps));
    expect(errors[2]).toBeLessThan(0.1);
    for (const i of [1, 2]) {
      expect(Math.abs(Math.log2(errors[i - 1]! / errors[i]!) - order)).toBeLessThan(0.25);
    }
  });

  it('end exactly at the denoised image where one step is all', () => {
    for (const sampler of Object.values(samplers)) {
      const found = sampler(gaussian, tf.tensor2d([[8, 2]]), [1, 0], still, noNoise).dataSync();
      expect(found[0]).toBeCloseTo(8 * 0.2, 5);
      expect(found[1]).toBeCloseTo(2 * 0.2, 5);
    }
  });

  it('leave no tensors behind', () => {
    const x = tf.tensor2d([[8, 2]]);
    const before = tf.memory().numTensors;
    for (const sampler of Object.values(samplers)) sampler(gaussian, x, [2, 1, 0], still, noNoise).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('samples of a mixture', () => {
  // Three modes of shares 0.5, 0.3 and 0.2, far from each other.
  const mixture: GaussianMode[] = [
    { label: 0, mean: [2, 0], spread: 0.1, factors: [], weight: 5 },
    { label: 0, mean: [-2, 1], spread: 0.1, factors: [[0.3, 0.3]], weight: 3 },
    { label: 0, mean: [0, -3], spread: 0.2, factors: [], weight: 2 },
  ];
  const exact: Denoiser = (x, sigma) => {
    const rows = x.arraySync() as [number, number][];
    return tf.tensor2d(rows.map((row) => [...gaussianDenoiser(mixture, row, sigma, null)]));
  };
  const COUNT = 1000;

  it.each([
    { name: 'heun', churn: still },
    { name: 'ddim', churn: still },
    // Karras et al. 2022, table 5, for CIFAR-10 and the VP network.
    { name: 'heun', churn: { amount: 30, least: 0.01, largest: 1, noise: 1.007 } },
  ] as const)(
    'by $name with churn $churn.amount lie in the modes, in their shares and widths',
    ({ name, churn }) => {
      const random = randomStream(3, 'mixture');
      const drawNoise = () => tf.tensor2d(random.fillNormal(new Float32Array(2 * COUNT)), [COUNT, 2]);
      const levels = samplingLevels(24, [0.002, 80]);
      const start = tf.mul(drawNoise(), 80);
      const rows = samplers[name](exact, start, levels, churn, drawNoise).arraySync() as [number, number][];
      const members = mixture.map(({ mean }) =>
        rows.filter(([a, b]) => Math.hypot(a - mean[0]!, b - mean[1]!) < 1.5),
      );
      expect(members.flat().length).toBeGreaterThan(0.999 * COUNT);
      [0.5, 0.3, 0.2].forEach((share, k) => {
        // Four standard deviations of a binomial share.
        const allowed = 4 * Math.sqrt((share * (1 - share)) / COUNT);
        expect(Math.abs(members[k]!.length / COUNT - share)).toBeLessThan(allowed);
      });
      const deviation = Math.sqrt(members[2]!.reduce((sum, [a]) => sum + a * a, 0) / members[2]!.length);
      expect(Math.abs(deviation / 0.2 - 1)).toBeLessThan(0.15);
    },
  );
});
