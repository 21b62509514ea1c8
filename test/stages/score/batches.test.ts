/** Training batches of score models: noise levels, dropped classes, noise and labels of augmentations. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { noiseLevels } from '../../../stages/numerics/diffusion/preconditioning/noise-schedule.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { initializeParameters } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { type ScoreBatch, scoreBatch } from '../../../stages/score/batches.ts';
import { setUp } from '../../../stages/score/setting.ts';
import { scoreStep } from '../../../stages/score/trainer.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { configOf, datasetArtifact } from '../../support/stage-context.ts';

const COUNT = 50;
const SIZE = 16;
let dataset: Dataset;

beforeAll(async () => {
  registerGradients();
  const images = Uint8Array.from({ length: COUNT * SIZE }, (_, j) => (Math.floor(j / SIZE) * 5 + j) % 256);
  const labels = Uint16Array.from({ length: COUNT }, (_, i) => i % 2);
  dataset = await readDataset(await datasetArtifact([4, 4, 1], 2, { images, labels }));
});

const network = { kind: 'unet', channels: 4, multipliers: [1], groups: 2 };
const settingOf = (score: object) => setUp(configOf({ score: { network, ...score } }).score, dataset);

function moments(values: ArrayLike<number>): [mean: number, deviation: number] {
  const mean = Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  const square = Array.from(values).reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return [mean, Math.sqrt(square / values.length)];
}

describe('a batch of score training', () => {
  it('has noise levels whose logarithm is normal, and noise of those deviations', () => {
    const count = 20_000;
    const { sigma, clean, noisy } = scoreBatch(settingOf({ batchSize: count, pMean: -0.4, pStd: 0.7 }), 0);
    const logs = sigma.map(Math.log);
    const [mean, deviation] = moments(logs);
    // Five standard errors.
    expect(Math.abs(mean + 0.4)).toBeLessThan((5 * 0.7) / Math.sqrt(count));
    expect(Math.abs(deviation - 0.7)).toBeLessThan((5 * 0.7) / Math.sqrt(2 * count));
    const within = logs.filter((value) => Math.abs(value + 0.4) < 0.7).length / count;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.02);
    const noise = noisy.map((value, j) => (value - clean[j]!) / sigma[Math.floor(j / SIZE)]!);
    const [noiseMean, noiseDeviation] = moments(noise);
    expect(Math.abs(noiseMean)).toBeLessThan(0.01);
    expect(Math.abs(noiseDeviation - 1)).toBeLessThan(0.01);
  });

  it('has each of the discrete levels equally often', () => {
    const settings = { kind: 'ddpm', ddpm: { steps: 4, schedule: 'cosine' }, batchSize: 8000 };
    const { sigma } = scoreBatch(settingOf(settings), 3);
    for (const level of noiseLevels({ steps: 4, schedule: 'cosine' })) {
      const hits = sigma.filter((value) => value === Math.fround(level)).length;
      expect(Math.abs(hits - 2000)).toBeLessThan(5 * Math.sqrt(8000 * 0.25 * 0.75));
    }
  });

  it.each([
    [0, 0],
    [0.3, 5 * Math.sqrt((0.3 * 0.7) / 4000)],
    [1, 0],
  ])('leaves out the class of a share of %d', (classDropout, allowed) => {
    const { oneHot, clean } = scoreBatch(settingOf({ batchSize: 4000, classDropout }), 1);
    let dropped = 0;
    for (let i = 0; i < 4000; i++) {
      const [a, b] = [oneHot[2 * i]!, oneHot[2 * i + 1]!];
      expect([0, 1]).toContain(a + b);
      if (a + b === 0) dropped += 1;
      // The first pixel tells the image: 5 i + 16 i, a multiple of 21, as long as it stays below 256.
      const image = Math.round(((clean[i * SIZE]! + 1) / 2) * 255) / 21;
      if (Number.isInteger(image) && image < 12 && a + b === 1) expect(image % 2).toBe(b);
    }
    expect(Math.abs(dropped / 4000 - classDropout)).toBeLessThanOrEqual(allowed);
  });

  it('shows every image once in an epoch, in another order in the next', () => {
    const setting = settingOf({ batchSize: 10 });
    const firsts = (from: number) =>
      Array.from({ length: 5 }, (_, k) => scoreBatch(setting, from + k).clean).flatMap((clean) =>
        Array.from({ length: 10 }, (_, i) => clean.subarray(i * SIZE, (i + 1) * SIZE).join()),
      );
    const [one, two] = [firsts(0), firsts(5)];
    expect(new Set(one).size).toBe(COUNT);
    expect(two).not.toEqual(one);
    expect([...two].sort()).toEqual([...one].sort());
  });

  it('tells the network how images were augmented', () => {
    const augmented = { augment: { flip: true, shift: 1, probability: 0.5 }, batchSize: 64 };
    const setting = settingOf({ ...augmented, network: { ...network, augmentations: 3 } });
    const batch = scoreBatch(setting, 0);
    expect(batch.augmentation!.length).toBe(64 * 3);
    expect(new Set(batch.augmentation)).toEqual(new Set([0, 1, -1]));
    expect(scoreBatch(settingOf({ batchSize: 64 }), 0).augmentation).toBeUndefined();
    const lossOf = (told: ScoreBatch) => {
      const { parameters } = setting.network;
      const values = initializeParameters(parameters, randomStream(1)).map((value) => value + 0.05);
      const zeros = () => tf.zeros([values.length]) as tf.Tensor1D;
      const state = { values: tf.tensor1d(values), slots: [zeros(), zeros()], average: tf.tensor1d(values) };
      return scoreStep(setting, state, told, 1).loss;
    };
    const other = batch.augmentation!.map((label) => label + 1);
    expect(lossOf(batch)).toBe(lossOf(batch));
    expect(lossOf({ ...batch, augmentation: other })).not.toBe(lossOf(batch));
  });
});
