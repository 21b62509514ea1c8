/** The trainer on small artifacts: micro-batches, stops and resumes, messages, TensorBoard. */
import '../../support/engine.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../../schemas/config.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { runPrecompute } from '../../../stages/precompute/run.ts';
import { runTrain } from '../../../stages/train/run.ts';
import { readTable } from '../../../store/tables.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

let dataset: string;
let precompute: string;

const training = (train: object): ExperimentConfig =>
  configOf({
    precompute: { method: 'class-mean', shardImages: 16 },
    train: {
      network: {
        kind: 'cnn',
        layers: [
          { kind: 'conv', channels: 4 },
          'relu',
          'flatten',
          { kind: 'dense', units: 8 },
          'relu',
          'dense',
        ],
      },
      epochs: 3,
      batchSize: 16,
      checkpointSteps: 2,
      ...train,
    },
  });

beforeAll(async () => {
  const random = randomStream(3, 'images');
  const labels = Uint8Array.from({ length: 50 }, (_, i) => i % 3);
  const images = Uint8Array.from({ length: 50 * 36 }, (_, j) => {
    const label = labels[Math.floor(j / 36)]!;
    return Math.min(255, Math.floor(80 * random.uniform()) + (j % 3 === label ? 170 : 0));
  });
  dataset = await datasetArtifact([6, 6, 1], 3, { images, labels });
  const context = contextOf(training({}), { dataset });
  await runPrecompute(context);
  precompute = context.directory;
});

async function train(settings: object, directory?: string) {
  const context = contextOf(training(settings), { dataset, precompute }, directory);
  await runTrain(context);
  return context;
}

const weights = (directory: string) => readFileSync(join(directory, 'model.safetensors'));

describe('training', () => {
  it('lowers the loss, turns the gradients, and learns', async () => {
    const { directory, lines } = await train({
      epochs: 15,
      lambda: 1,
      optimizer: { kind: 'adam', learningRate: 0.01 },
    });
    const rows = await readTable(join(directory, 'metrics.parquet'));
    const [first, last] = [rows[0]!, rows.at(-1)!];
    expect(last.loss as number).toBeLessThan(first.loss as number);
    expect(last.meanCosine as number).toBeGreaterThan(first.meanCosine as number);
    expect(last.testAccuracy).toBe(1);
    expect(lines.at(-1)).toMatchObject({ done: 60, total: 60, unit: 'steps' });
    expect(existsSync(join(directory, 'checkpoint.safetensors'))).toBe(false);
    expect(existsSync(join(directory, 'tensorboard/events.out.tfevents.0.pipeline'))).toBe(true);
  });

  it('gives the same weights in micro-batches, to rounding', async () => {
    const sgd = { optimizer: { kind: 'sgd', learningRate: 0.05 }, clipNorm: 5 };
    const [whole, parts] = [await train(sgd), await train({ ...sgd, microBatch: 5 })];
    const [a, b] = await Promise.all(
      [whole, parts].map(
        async ({ directory }) => (await readTensors(join(directory, 'model.safetensors'))).tensors,
      ),
    );
    for (const [name, { data }] of Object.entries(a!)) {
      (data as Float32Array).forEach((value, i) => {
        expect(Math.abs(value - (b![name]!.data as Float32Array)[i]!)).toBeLessThan(2e-5);
      });
    }
  });

  it('stopped at any step and taken up again ends with the same bytes', async () => {
    const settings = { augment: { shift: 1, flip: true }, lambdaSchedule: { kind: 'warmup', epochs: 2 } };
    const unbroken = await train(settings);
    const broken = contextOf(training(settings), { dataset, precompute });
    for (const stopAt of [1, 5, 6, 11]) {
      const context = contextOf(training(settings), { dataset, precompute }, broken.directory);
      const progress = context.progress;
      context.progress = (line) => {
        progress(line);
        if (line.done === stopAt) context.stop.abort();
      };
      await expect(runTrain(context)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    }
    const last = await train(settings, broken.directory);
    expect(last.notes).toEqual(['resuming at step 11 of 12']);
    expect(weights(last.directory).equals(weights(unbroken.directory))).toBe(true);
    const metrics = (directory: string) => readFileSync(join(directory, 'metrics.parquet'));
    expect(metrics(last.directory).equals(metrics(unbroken.directory))).toBe(true);
  });

  it('compares log-softmax gradients if asked, which trains another network', async () => {
    const [logit, log] = [await train({}), await train({ gradientOf: 'log-softmax' })];
    expect(weights(logit.directory).equals(weights(log.directory))).toBe(false);
  });

  it('stops at a loss that is not finite, with the step, the images and what to do', async () => {
    const context = contextOf(training({ optimizer: { kind: 'sgd', learningRate: 1e30 } }), {
      dataset,
      precompute,
    });
    const failure = (await runTrain(context).catch((error: unknown) => error)) as Error & { code: string };
    expect(failure.code).toBe('NOT_FINITE');
    expect(failure.message).toMatch(
      /^Expected finite losses, got (cross entropy|penalty|gradient norm) (NaN|Infinity)(, [a-z ]+ (NaN|Infinity))* at step \d+ \(training images (\d+, ){8}…\); the weights have diverged, so lower train\.optimizer\.learningRate \(now 1e\+30\), set train\.clipNorm, or lower train\.lambda\.$/,
    );
  });

  it('refuses to move points', async () => {
    const points = await datasetArtifact([2], 2, {
      images: Float32Array.of(0, 1, 2, 3),
      labels: Uint8Array.of(0, 1),
    });
    const config = training({ method: 'vanilla', network: { kind: 'mlp' }, augment: { flip: true } });
    await expect(runTrain(contextOf(config, { dataset: points }))).rejects.toThrow(
      'Expected train.augment to be off for the data set made, whose inputs are points of shape [2], got shift 0, flip true; remove train.augment.',
    );
  });
});
