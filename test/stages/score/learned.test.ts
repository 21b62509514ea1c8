/** What a trained score model says, against the exact scores of the mixture that its data come from. */
import '../../support/engine.ts';
import { expect, it } from 'vitest';
import { denoise } from '../../../stages/numerics/diffusion/denoise.ts';
import { type GaussianMode, gaussianScore } from '../../../stages/numerics/diffusion/gaussian-mixture.ts';
import { drawSamples } from '../../../stages/numerics/diffusion/samplers/draw-samples.ts';
import { loadScoreModel } from '../../../stages/numerics/diffusion/score-model.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { runScore } from '../../../stages/score/run.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

/** In three dimensions, in raw coordinates; a round mode and a flat one for each class. */
const mixture: GaussianMode[] = [
  { label: 0, mean: [6, 0, 0], spread: 1, factors: [] },
  { label: 0, mean: [-4, 4, 2], spread: 0.5, factors: [[1, 1, 0]] },
  { label: 1, mean: [0, -6, 1], spread: 1, factors: [] },
  { label: 1, mean: [0, 3, -5], spread: 0.5, factors: [[0, 1, -1]] },
];
const COUNT = 4000;

async function points(): Promise<string> {
  const random = randomStream(1, 'points');
  const images = new Float32Array(3 * COUNT);
  const labels = new Uint16Array(COUNT);
  for (let i = 0; i < COUNT; i++) {
    const { label, mean, spread, factors } = mixture[i % 4]!;
    labels[i] = label;
    const along = factors.map(() => random.normal());
    for (let d = 0; d < 3; d++) {
      const within = factors.reduce((sum, factor, k) => sum + along[k]! * factor[d]!, 0);
      images[3 * i + d] = mean[d]! + spread * random.normal() + within;
    }
  }
  return datasetArtifact([3], 2, { images, labels });
}

/** Points of the modes of a class, or of all, under noise. */
function noisyPoints(label: number | null, sigma: number): number[][] {
  const random = randomStream(2, 'noise');
  const modes = mixture.filter((mode) => label === null || mode.label === label);
  return Array.from({ length: 400 }, (_, i) =>
    Array.from(modes[i % modes.length]!.mean, (m) => m + Math.hypot(1, sigma) * random.normal()),
  );
}

function cosine(a: number[], b: number[]): number {
  const inner = (u: number[], v: number[]) => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
  return inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b));
}

it.each([
  { kind: 'edm', least: 0.97, settings: { pMean: -1.2, pStd: 0.8 } },
  { kind: 'ddpm', least: 0.85, settings: { ddpm: { steps: 100, schedule: 'cosine' } } },
])(
  '$kind learns the score, with and without class, and samples that lie in the right modes',
  async ({ kind, least, settings }) => {
    const score = {
      kind,
      ...settings,
      network: { kind: 'mlp', hidden: [96, 96] },
      steps: 500,
      batchSize: 256,
      learningRate: 0.004,
      classDropout: 0.3,
      validation: { images: 0 },
    };
    const context = contextOf(configOf({ score }), { dataset: await points() });
    await runScore(context);
    const model = await loadScoreModel(context.directory, { shape: [3], classNames: ['0', '1'] });
    for (const wanted of [0.4, 1]) {
      const scaled = model.preconditioning.round(wanted);
      const sigma = scaled / model.scale.factor;
      for (const label of [0, 1, null]) {
        const x = noisyPoints(label, sigma);
        const exact = x.flatMap((point) => [...gaussianScore(mixture, point, sigma, label)]);
        const learned = tf.tidy(() => {
          const at = tf.mul(tf.tensor2d(x), model.scale.factor);
          const oneHot = tf.tensor2d(x.map(() => [label === 0 ? 1 : 0, label === 1 ? 1 : 0]));
          return [
            ...tf.sub(denoise(model, at, new Float32Array(x.length).fill(scaled), oneHot), at).dataSync(),
          ];
        });
        expect(cosine(learned, exact)).toBeGreaterThan(least);
      }
    }

    const asked = Array.from({ length: 300 }, (_, noise) => ({ label: noise % 2, noise }));
    const samples = await drawSamples(model, [3], asked, {
      sampler: 'heun',
      steps: 18,
      guidance: 1,
      seed: 0,
      batchSize: 300,
    });
    const nearest = asked.map((_, i) => {
      const distance = ({ mean }: GaussianMode) =>
        Math.hypot(...Array.from(mean, (m, d) => m - samples[3 * i + d]!));
      return mixture.reduce((best, mode) => (distance(mode) < distance(best) ? mode : best));
    });
    const right = nearest.filter(({ label }, i) => label === asked[i]!.label).length;
    expect(right / asked.length).toBeGreaterThan(0.93);
    for (const mode of mixture) {
      const share = nearest.filter((found) => found === mode).length / asked.length;
      expect(Math.abs(share - 0.25)).toBeLessThan(0.08);
    }
  },
);
