/** Samples of a whole model: their noise, their classes, guidance, and the units they come in. */
import '../../../support/engine.ts';
import { describe, expect, it } from 'vitest';
import type { ScoreModel } from '../../../../stages/numerics/diffusion/denoise.ts';
import { makePreconditioning } from '../../../../stages/numerics/diffusion/preconditioning/registry.ts';
import {
  drawSamples,
  type SampleSettings,
} from '../../../../stages/numerics/diffusion/samplers/draw-samples.ts';
import { guidedDenoiser } from '../../../../stages/numerics/diffusion/samplers/guided.ts';
import { tf } from '../../../../stages/numerics/tensor/tf.ts';

/**
 * Denoises to (1, 1) for class 0, to (-1, -1) for class 1 and to (0, 0) without class: an ε-model for which
 * D = x − σ·(x − centre) / σ.
 */
const model: ScoreModel = {
  network: {
    parameters: [],
    forward: (_, x, noise, oneHot) => {
      const sigma = tf.reshape(tf.exp(tf.mul(noise, 4)), [-1, 1]);
      const centre = tf.matMul(
        oneHot,
        tf.tensor2d([
          [1, 1],
          [-1, -1],
        ]),
      );
      const noisy = tf.mul(x, tf.sqrt(tf.add(tf.square(sigma), 1)));
      return tf.div(tf.sub(noisy, centre), sigma);
    },
  },
  parameters: {},
  scale: { factor: 2, shift: -1 },
  preconditioning: makePreconditioning({
    kind: 'ddpm',
    steps: 1000,
    schedule: 'linear',
    noiseInput: 'log-sigma',
    learnsVariance: false,
  }),
  classes: 2,
};
const settings: SampleSettings = { sampler: 'heun', steps: 6, guidance: 1, seed: 3 };

/** A model that learnt nothing but to scale, so that noise shows in its samples. */
const echo: ScoreModel = {
  ...model,
  network: { parameters: [], forward: (_, x) => tf.mul(x, 0.5) },
  preconditioning: makePreconditioning({ kind: 'edm', sigmaData: 0.5 }),
};

describe('samples', () => {
  it('are those of their class, in the units of the data', async () => {
    const asked = [0, 1, null].map((label) => ({ label, noise: 5 }));
    for (const sampler of ['heun', 'ddim'] as const) {
      const found = await drawSamples(model, [2], asked, { ...settings, sampler });
      [1, 1, 0, 0, 0.5, 0.5].forEach((value, i) => {
        expect(found[i]).toBeCloseTo(value, 4);
      });
    }
  });

  it('have noise of their own, the same in any batch', async () => {
    const asked = [0, 1, 2, 3, 4].map((noise) => ({ label: null, noise }));
    const churn = { amount: 3, least: 0, largest: 100, noise: 1 };
    const whole = await drawSamples(echo, [3], asked, { ...settings, churn });
    const told: number[] = [];
    const parts = await drawSamples(echo, [3], asked, { ...settings, churn, batchSize: 2 }, (done) => {
      told.push(done);
    });
    parts.forEach((value, i) => {
      expect(value / whole[i]!).toBeCloseTo(1, 5);
    });
    expect(told).toEqual([2, 4, 5]);
    expect(new Set(whole).size).toBe(15);
    const [, second] = [0, 1].map((k) => whole.slice(3 * k, 3 * k + 3));
    const alone = await drawSamples(echo, [3], [{ label: null, noise: 1 }], { ...settings, churn });
    alone.forEach((value, i) => {
      expect(value / second![i]!).toBeCloseTo(1, 5);
    });
    const other = await drawSamples(echo, [3], asked, { ...settings, churn, seed: 4 });
    expect(other[0]).not.toBeCloseTo(whole[0]!, 3);
  });

  it('are guided from the unconditional past the conditional denoiser', () => {
    const oneHot = tf.tensor2d([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    const x = tf.tensor2d([
      [3, 4],
      [3, 4],
      [3, 4],
    ]);
    for (const guidance of [0, 1, 2.5]) {
      const found = tf.tidy(() =>
        guidedDenoiser(model, oneHot, guidance)(x, model.preconditioning.round(1)).dataSync(),
      );
      [guidance, guidance, -guidance, -guidance, 0, 0].forEach((value, i) => {
        expect(found[i]).toBeCloseTo(value, 5);
      });
    }
  });
});
