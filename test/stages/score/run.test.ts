/** Score training: it learns, it resumes to the same bytes, and it says when it diverges. */
import '../../support/engine.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../../schemas/config.ts';
import { denoise } from '../../../stages/numerics/diffusion/denoise.ts';
import { loadScoreModel } from '../../../stages/numerics/diffusion/score-model.ts';
import { makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { runScore } from '../../../stages/score/run.ts';
import { readDataset } from '../../../store/dataset-artifact.ts';
import { readModelWeights } from '../../../store/model-files.ts';
import { readTable } from '../../../store/tables.ts';
import { python } from '../../support/python.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

let dataset: string;

const scoring = (score: object): ExperimentConfig =>
  configOf({
    score: {
      network: { kind: 'unet', channels: 4, multipliers: [1, 2], groups: 2 },
      validation: { images: 6, sigmas: [0.3, 1] },
      samples: { perClass: 2, steps: 3 },
      steps: 24,
      batchSize: 16,
      warmupSteps: 2,
      checkpointSteps: 7,
      ...score,
    },
  });

beforeAll(async () => {
  const labels = Uint16Array.from({ length: 30 }, (_, i) => i % 2);
  const images = Uint8Array.from({ length: 30 * 16 }, (_, j) =>
    labels[Math.floor(j / 16)] === j % 2 ? 255 : 0,
  );
  dataset = await datasetArtifact([4, 4, 1], 2, { images, labels });
});

async function train(score: object, directory?: string) {
  const context = contextOf(scoring(score), { dataset }, directory);
  await runScore(context);
  return context;
}

const bytes = (directory: string, name: string) => readFileSync(join(directory, name));

/** One kind of model, and all that a step may contain. */
const everything = {
  kind: 'ddpm',
  ddpm: { steps: 50, schedule: 'cosine' },
  network: {
    kind: 'unet',
    channels: 4,
    multipliers: [1, 2],
    groups: 2,
    dropout: 0.2,
    augmentations: 3,
  },
  augment: { flip: true, shift: 1, probability: 0.5 },
  samples: { perClass: 2, steps: 3, every: 10, sampler: 'ddim', guidance: 2 },
};

const losses = async (directory: string) =>
  (await readTable(join(directory, 'metrics.parquet'))).map((row) => row.loss as number);

describe('score training', () => {
  it.each([
    { kind: 'edm', share: 0.7 },
    { kind: 'ddpm', share: 0.7 },
  ])('$kind lowers the loss on data that one look tells apart', async ({ kind, share }) => {
    const { directory } = await train({ kind, steps: 100, learningRate: 0.02 });
    const rows = await readTable(join(directory, 'metrics.parquet'));
    expect(rows.map((row) => row.step)).toEqual([20, 40, 60, 80, 100]);
    const [first, ...rest] = await losses(directory);
    expect(rest.at(-1)!).toBeLessThan(share * first!);
    const heldOut = await readTable(join(directory, 'validation.parquet'));
    expect(heldOut.length).toBe(2 * 10);
    const at = (step: number) => heldOut.filter((row) => row.step === step).map((row) => row.loss as number);
    at(100).forEach((loss, i) => {
      expect(loss).toBeLessThan(0.9 * at(10)[i]!);
    });
  });

  it.each([
    { name: 'EDM', stop: 13, settings: {}, sheets: ['step-00000024.png'] },
    {
      name: 'DDPM with everything',
      // Amid a sheet of samples.
      stop: 10,
      settings: everything,
      sheets: ['step-00000010.png', 'step-00000020.png', 'step-00000024.png'],
    },
  ])('of $name, stopped and taken up again, ends with the same bytes', async ({ stop, settings, sheets }) => {
    const unbroken = await train(settings);
    const first = contextOf(scoring(settings), { dataset });
    const progress = first.progress;
    first.progress = (line) => {
      progress(line);
      if (line.done === stop) first.stop.abort();
    };
    await expect(runScore(first)).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: 'Stopped on request; what was finished is kept.',
    });
    const second = await train(settings, first.directory);
    expect(second.notes).toEqual([`resuming at step ${stop} of 24`]);
    expect(readdirSync(join(second.directory, 'samples')).sort()).toEqual(sheets);
    for (const name of [
      'model.safetensors',
      'metrics.parquet',
      'validation.parquet',
      'model.json',
      'score.json',
      ...sheets.map((sheet) => join('samples', sheet)),
    ]) {
      expect(bytes(second.directory, name).equals(bytes(unbroken.directory, name))).toBe(true);
    }
    expect(existsSync(join(second.directory, 'checkpoint.safetensors'))).toBe(false);
  });

  it('keeps the average of the weights, by the half-life and the ramp-up that are set', async () => {
    const settings = {
      learningRate: 0.01,
      warmupSteps: 0,
      validation: { images: 0 },
      samples: { perClass: 0 },
    };
    const weights = async (score: object) => {
      const { directory, config } = await train({ ...settings, ...score });
      const { parameters } = makeScoreNetwork(config.score.network, [4, 4, 1], 2);
      return (await readModelWeights(directory, parameters)).flat;
    };
    const last = { emaHalfLifeImages: 1e-3 };
    const [first, second] = [await weights({ ...last, steps: 1 }), await weights({ ...last, steps: 2 })];
    // A step has 16 images: in each, half is forgotten.
    const half = { emaHalfLifeImages: 16, emaRampup: 1e9, steps: 2 };
    const [average, start] = [await weights(half), await weights({ ...half, emaHalfLifeImages: 1e12 })];
    const ramped = await weights({ ...half, emaHalfLifeImages: 1e12, emaRampup: 0.5 });
    start.forEach((begun, i) => {
      const [one, two] = [first[i]!, second[i]!];
      expect(average[i]).toBeCloseTo(begun / 4 + one / 4 + two / 2, 6);
      // Half-lives of 8 and 16 images, so a quarter is kept in the first step and a half in the second.
      expect(ramped[i]).toBeCloseTo(begun / 8 + (3 / 8) * one + two / 2, 6);
    });
    expect(second).not.toEqual(first);
    expect(first).not.toEqual(start);
  });

  it('writes down the loss of held-out images that the kept model has, by hand', async () => {
    const { directory } = await train({ steps: 5, learningRate: 0.01 });
    const found = (await readTable(join(directory, 'validation.parquet'))).filter(({ step }) => step === 5);
    const { test } = await readDataset(dataset);
    const model = await loadScoreModel(directory);
    expect(found.map(({ sigma }) => sigma)).toEqual([0.3, 1]);
    for (const { sigma, loss } of found as { sigma: number; loss: number }[]) {
      // Six of 30 images, evenly spread, each under its own noise, with σ_data = 0.5.
      const losses = [0, 5, 10, 15, 20, 25].map((image) => {
        const noise = randomStream(0, 'score-validation', image).fillNormal(new Float32Array(16));
        const clean = test.slice(image, 1).map((value) => 2 * value - 1);
        const noisy = tf.tensor(
          clean.map((value, j) => value + sigma * noise[j]!),
          [1, 4, 4, 1],
        );
        const label = test.labels[image]!;
        const oneHot = tf.tensor2d([[1 - label, label]]);
        const denoised = denoise(model, noisy, Float32Array.of(sigma), oneHot).dataSync();
        const square = clean.reduce((sum, value, j) => sum + (denoised[j]! - value) ** 2, 0) / 16;
        return (square * (sigma ** 2 + 0.25)) / (sigma * 0.5) ** 2;
      });
      expect(loss / (losses.reduce((sum, each) => sum + each, 0) / 6)).toBeCloseTo(1, 4);
    }
  });

  it('in micro-batches comes to the same, but for rounding', async () => {
    const settings = { ...everything, steps: 20, learningRate: 1e-3 };
    const [whole] = await losses((await train(settings)).directory);
    const [parts] = await losses((await train({ ...settings, microBatch: 6 })).directory);
    expect(parts! / whole!).toBeCloseTo(1, 4);
  });

  it('draws sheets of a row for each class and one without, unless asked for none', async () => {
    const { directory } = await train({ steps: 1 });
    const png = PNG.sync.read(bytes(directory, join('samples', 'step-00000001.png')));
    // Three rows of 4 × 4 pixels, enlarged 16 times, with gaps of two pixels.
    expect(png.height).toBe(3 * (64 + 2) + 2);
    const without = await train({ steps: 1, samples: { perClass: 0 }, validation: { images: 0 } });
    expect(existsSync(join(without.directory, 'samples'))).toBe(false);
    expect(await readTable(join(without.directory, 'validation.parquet'))).toEqual([]);
  });

  it('writes the losses for TensorBoard too', async () => {
    const { directory } = await train({ steps: 20 });
    const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]); events.Reload()
print(json.dumps({tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()['scalars']}))`;
    const found = JSON.parse(python(script, [join(directory, 'tensorboard')]));
    expect(Object.keys(found).sort()).toEqual(['heldOut/sigma 0.300', 'heldOut/sigma 1.00', 'loss']);
    (await losses(directory)).forEach((loss, i) => {
      expect(found.loss[i][0]).toBe(20 * (i + 1));
      expect(found.loss[i][1]).toBeCloseTo(loss, 4);
    });
    const heldOut = await readTable(join(directory, 'validation.parquet'));
    expect(found['heldOut/sigma 1.00'].at(-1)[1]).toBeCloseTo(heldOut.at(-1)!.loss as number, 4);
  });

  it('stops at a loss that is not finite and says what to do', async () => {
    const failure = (await train({ learningRate: 1e25, warmupSteps: 0 }).catch(
      (error: unknown) => error,
    )) as Error;
    expect(failure.message).toMatch(
      /^Expected a finite loss of the score model, got NaN or infinity at step \d+; the weights have diverged, so lower score\.learningRate \(now 1e\+25\) or raise score\.warmupSteps\.$/,
    );
  });

  it('has nothing to train for the analytic score', async () => {
    const { directory } = await train({ kind: 'analytic' });
    expect(JSON.parse(bytes(directory, 'score.json').toString())).toEqual({ kind: 'analytic' });
  });
});
