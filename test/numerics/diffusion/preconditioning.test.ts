import '../../support/engine.ts';
import { describe, expect, it } from 'vitest';
import type { PreconditioningConfig } from '../../../schemas/preconditioning.ts';
import { dataScale, toScaled } from '../../../stages/numerics/diffusion/data-scale.ts';
import { denoise } from '../../../stages/numerics/diffusion/denoise.ts';
import {
  nearestStep,
  noiseLevels,
} from '../../../stages/numerics/diffusion/preconditioning/noise-schedule.ts';
import { makePreconditioning } from '../../../stages/numerics/diffusion/preconditioning/registry.ts';
import { scoreMatching } from '../../../stages/numerics/losses/score-matching.ts';
import type { ScoreNetwork } from '../../../stages/numerics/networks/network.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { python } from '../../support/python.ts';

/** A network whose output is what it was given, times c_noise: every coefficient shows in the result. */
const echo: ScoreNetwork = {
  parameters: [],
  forward: (_, x, noise) => tf.mul(x, tf.reshape(noise, [-1, 1])),
};

const ddpm = (settings: object = {}): PreconditioningConfig => ({
  kind: 'ddpm',
  steps: 1000,
  schedule: 'linear',
  noiseInput: 'log-sigma',
  learnsVariance: false,
  ...settings,
});

function denoised(config: PreconditioningConfig, x: number[], sigma: number, network = echo): number[] {
  const model = { network, parameters: {}, preconditioning: makePreconditioning(config) };
  return tf.tidy(() => [
    ...denoise(model, tf.tensor2d([x]), Float32Array.of(sigma), tf.zeros([1, 2])).dataSync(),
  ]);
}

describe('EDM', () => {
  it('preconditions as table 1 of Karras et al. says', () => {
    const sigmaData = 0.5;
    const x = [1.5, -2];
    for (const sigma of [0.02, 1, 40]) {
      const total = sigma ** 2 + sigmaData ** 2;
      const expected = x.map((value) => {
        const f = (value / Math.sqrt(total)) * (Math.log(sigma) / 4);
        return (sigmaData ** 2 / total) * value + ((sigma * sigmaData) / Math.sqrt(total)) * f;
      });
      denoised({ kind: 'edm', sigmaData }, x, sigma).forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 5);
      });
    }
  });

  it('weighs the loss by (sigma² + sigma_data²) / (sigma sigma_data)², averaged over the values of an image', () => {
    const [first, second] = tf.tidy(() =>
      scoreMatching(
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        tf.tensor2d([
          [0, 0],
          [3, 2],
        ]),
        Float32Array.of(1, 2),
        makePreconditioning({ kind: 'edm', sigmaData: 0.5 }),
      ).dataSync(),
    );
    expect(first).toBeCloseTo(2.5 * (1.25 / 0.25), 5);
    expect(second).toBeCloseTo(2 * (4.25 / 1), 5);
  });
});

describe('DDPM', () => {
  it.each(['linear', 'cosine'] as const)('has the noise levels of the %s schedule', (schedule) => {
    // The schedules as their papers define them, in NumPy: products of 1 - β, and for the cosine its closed form.
    const script = `
import json, numpy as np
betas = np.linspace(1e-4, 0.02, 1000)
f = np.cos((np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
kept = dict(linear=np.cumprod(1 - betas), cosine=f[1:1000] / f[0])['${schedule}']
print(json.dumps(np.sqrt(1 / kept - 1).tolist()))`;
    const expected = JSON.parse(python(script, [])) as number[];
    const found = noiseLevels({ steps: 1000, schedule });
    expected.forEach((sigma, t) => {
      expect(found[t]! / sigma).toBeCloseTo(1, 6);
    });
    // The bound on β keeps the last level of the cosine finite: ᾱ falls to a thousandth in that step.
    if (schedule === 'cosine') expect(found[999]! ** 2 / (found[998]! ** 2 + 1)).toBeCloseTo(1000, 0);
  });

  it('spans nearly the same noise with fewer steps', () => {
    const levels = noiseLevels({ steps: 100, schedule: 'linear' });
    expect(levels.length).toBe(100);
    expect(Math.log(levels[99]! / 157)).toBeCloseTo(0, 0);
  });

  it('rounds a noise level to the nearest step', () => {
    const levels = Float64Array.of(1, 2, 4);
    const steps = [0.1, 1, 1.4, 1.6, 2, 2.9, 3.1, 9].map((sigma) => nearestStep(levels, sigma));
    expect(steps).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
    const { round, range } = makePreconditioning(ddpm());
    expect(round(1e9)).toBeCloseTo(157.4, 1);
    expect(range[0]).toBe(round(0));
    expect(range[1]).toBe(round(80));
    expect(Math.abs(range[1] - 80)).toBeLessThan(0.5);
    expect(round(round(0.7))).toBe(round(0.7));
  });

  it('subtracts the predicted noise, and tells the network the step or the logarithm of the noise level', () => {
    const x = [1.5, -2];
    const step = 300;
    const sigma = noiseLevels({ steps: 1000, schedule: 'linear' })[step]!;
    for (const [noiseInput, told] of [
      ['step', step],
      ['log-sigma', Math.log(sigma) / 4],
    ] as const) {
      denoised(ddpm({ noiseInput }), x, sigma).forEach((value, i) => {
        const epsilon = (x[i]! / Math.sqrt(1 + sigma ** 2)) * told;
        expect(value / (x[i]! - sigma * epsilon)).toBeCloseTo(1, 5);
      });
    }
  });

  it('uses the first half of the channels of a network that also learns the variance', () => {
    const both: ScoreNetwork = {
      parameters: [],
      forward: (_, x) => tf.concat([x, tf.mul(x, 100)], 1),
    };
    const [value] = denoised(ddpm({ learnsVariance: true }), [2, 4], 1, both);
    expect(value).toBeCloseTo(2 - 2 / Math.SQRT2, 5);
  });

  it('has the mean squared error of the noise as its loss', () => {
    const clean = [0.5, -0.25];
    const epsilon = [1.2, -0.7];
    const guess = [0.9, 0.1];
    const sigma = 3;
    const found = tf.tidy(() =>
      scoreMatching(
        tf.tensor2d([clean.map((y, i) => y + sigma * (epsilon[i]! - guess[i]!))]),
        tf.tensor2d([clean]),
        Float32Array.of(sigma),
        makePreconditioning(ddpm()),
      ).dataSync(),
    );
    expect(found[0]).toBeCloseTo((0.3 ** 2 + 0.8 ** 2) / 2, 5);
  });
});

describe('the scale of data', () => {
  it('is [-1, 1] for images, and the deviation sigma_data about the origin for points', () => {
    const images = toScaled(
      Float32Array.of(0, 0.5, 1),
      dataScale([0, 1], () => new Float32Array(), 0.5),
    );
    expect([...images]).toEqual([-1, 0, 1]);
    const points = Float32Array.of(3, -4, 5, -12);
    const scaled = toScaled(
      points.slice(),
      dataScale(null, () => points, 0.5),
    );
    expect(Math.sqrt(scaled.reduce((sum, v) => sum + v * v, 0) / 4)).toBeCloseTo(0.5, 6);
    expect(scaled[0]! / scaled[1]!).toBeCloseTo(-0.75, 6);
  });
});
