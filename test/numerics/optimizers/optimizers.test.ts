/** Update rules against the papers' formulas written out in double precision. */
import '../../support/engine.ts';
import { describe, expect, it } from 'vitest';
import type { OptimizerConfig } from '../../../schemas/train-config.ts';
import { clipByNorm } from '../../../stages/numerics/optimizers/clip-by-norm.ts';
import { makeOptimizer } from '../../../stages/numerics/optimizers/registry.ts';
import { lambdaAt, learningRateFactor } from '../../../stages/numerics/optimizers/schedules.ts';
import { averageDecay, moveAverage } from '../../../stages/numerics/optimizers/weight-average.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';

/** Minimises ½ Σ a x² for a few steps. */
function descend(config: OptimizerConfig, steps: number): number[] {
  const optimizer = makeOptimizer(config);
  let values = tf.tensor1d([1, -2, 3]);
  let slots = Array.from({ length: optimizer.slots }, () => tf.zeros([3]) as tf.Tensor1D);
  for (let step = 1; step <= steps; step++) {
    const gradient = tf.mul(values, tf.tensor1d([1, 10, 0.1])) as tf.Tensor1D;
    ({ values, slots } = optimizer.update(values, gradient, slots, config.learningRate, step));
  }
  return [...values.dataSync()];
}

function adamByHand(steps: number, rate: number, decay: number): number[] {
  return [1, -2, 3].map((start, i) => {
    let [x, m, v] = [start, 0, 0];
    for (let t = 1; t <= steps; t++) {
      const g = [1, 10, 0.1][i]! * x + decay * x;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      x -= (rate * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
    }
    return x;
  });
}

function sgdByHand(steps: number, rate: number, nesterov: boolean): number[] {
  return [1, -2, 3].map((start, i) => {
    let [x, velocity] = [start, 0];
    for (let t = 1; t <= steps; t++) {
      const g = [1, 10, 0.1][i]! * x + 0.01 * x;
      velocity = 0.9 * velocity + g;
      x -= rate * (nesterov ? g + 0.9 * velocity : velocity);
    }
    return x;
  });
}

const close = (found: number[], expected: number[]) =>
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4);
  });

describe('optimisers', () => {
  it('Adam follows Kingma and Ba, algorithm 1, with L2 weight decay', () => {
    const rest = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    close(
      descend({ kind: 'adam', learningRate: 0.05, weightDecay: 0, ...rest }, 20),
      adamByHand(20, 0.05, 0),
    );
    close(
      descend({ kind: 'adam', learningRate: 0.05, weightDecay: 0.1, ...rest }, 20),
      adamByHand(20, 0.05, 0.1),
    );
  });

  it.each([false, true])('SGD with momentum and weight decay follows PyTorch (nesterov %s)', (nesterov) => {
    const config = { kind: 'sgd', learningRate: 0.02, momentum: 0.9, nesterov, weightDecay: 0.01 } as const;
    close(descend(config, 20), sgdByHand(20, 0.02, nesterov));
  });

  it('clips the whole gradient to a norm, and leaves a smaller one exactly as it is', () => {
    const clip = (values: number[], largest?: number) => {
      const [clipped, norm] = clipByNorm(tf.tensor1d(values), largest);
      return { values: [...clipped.dataSync()], norm: norm.dataSync()[0] };
    };
    expect(clip([3, 4], 1).norm).toBe(5);
    close(clip([3, 4], 1).values, [0.6, 0.8]);
    expect(clip([0.1, 0.7], 5).values).toEqual([Math.fround(0.1), Math.fround(0.7)]);
    expect(clip([3, 4]).values).toEqual([3, 4]);
  });
});

describe('schedules', () => {
  it('give the factors of their closed forms', () => {
    expect(learningRateFactor({ kind: 'constant' }, 3, 10)).toBe(1);
    const steps = { kind: 'steps' as const, epochs: [2, 4], factor: 0.1 };
    expect([1.9, 2, 4.5].map((epoch) => learningRateFactor(steps, epoch, 10))).toEqual([1, 0.1, 0.1 ** 2]);
    const cosine = { kind: 'cosine', warmupEpochs: 2 } as const;
    expect(learningRateFactor(cosine, 1, 10)).toBe(0.5);
    expect(learningRateFactor(cosine, 6, 10)).toBeCloseTo(0.5, 12);
    expect(learningRateFactor(cosine, 10, 10)).toBeCloseTo(0, 12);
  });

  it('raise λ linearly in the warm-up', () => {
    expect(lambdaAt({ lambda: 4, lambdaSchedule: { kind: 'warmup', epochs: 2 } }, 0.5)).toBe(1);
    expect(lambdaAt({ lambda: 4, lambdaSchedule: { kind: 'warmup', epochs: 2 } }, 7)).toBe(4);
    expect(lambdaAt({ lambda: 4, lambdaSchedule: { kind: 'constant' } }, 0)).toBe(4);
  });

  it('keep λ at 0 in the first of two phases, then at its value, at once or along a ramp', () => {
    const at = (epoch: number, rampEpochs: number) =>
      lambdaAt({ lambda: 4, lambdaSchedule: { kind: 'two-phase', zeroEpochs: 3, rampEpochs } }, epoch);
    expect([0, 2.99, 3, 9].map((epoch) => at(epoch, 0))).toEqual([0, 0, 4, 4]);
    expect([2.99, 3, 4, 5, 9].map((epoch) => at(epoch, 2))).toEqual([0, 0, 2, 4, 4]);
  });
});

describe('the average of the weights', () => {
  it('forgets half of itself in its half-life, and the random start soon', () => {
    expect(averageDecay(100, 1000, 10_000) ** 10).toBeCloseTo(0.5, 12);
    expect(averageDecay(100, 1000, 1)).toBeLessThan(1e-5);
    // After 10 steps of 100 images the half-life is 50 images, so a step of 100 keeps a quarter.
    expect(averageDecay(100, 1e9, 10)).toBeCloseTo(0.25, 12);
    // A large ramp-up bounds nothing, a half bounds the half-life to 500 of 1,000 images.
    expect(averageDecay(100, 1000, 1, 1e9) ** 10).toBeCloseTo(0.5, 12);
    expect(averageDecay(100, 1e9, 10, 0.5) ** 5).toBeCloseTo(0.5, 12);
  });

  it('weighs each step by the product of the decays after it', () => {
    const values = [3, -1, 4, 1, -5];
    const decays = values.map((_, i) => averageDecay(8, 40, i + 1));
    let average = tf.tensor1d([100]);
    values.forEach((value, i) => {
      average = moveAverage(average, tf.tensor1d([value]), decays[i]!);
    });
    const keptAfter = (i: number) => decays.slice(i + 1).reduce((product, decay) => product * decay, 1);
    const closed = values.reduce((sum, value, i) => sum + (1 - decays[i]!) * keptAfter(i) * value, 0);
    expect(average.dataSync()[0]).toBeCloseTo(closed + 100 * decays[0]! * keptAfter(0), 5);
  });
});
