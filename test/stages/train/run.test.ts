/** The trainer on small artifacts: micro-batches, stops and resumes, messages, TensorBoard. */
import '../../support/engine.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTrain } from '../../../stages/train/run.ts';
import { readTable } from '../../../store/tables.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { contextOf, datasetArtifact } from '../../support/stage-context.ts';
import { makeWorld, RESNET, training } from './fixture.ts';

const world = makeWorld();
const { train } = world;

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

  it.each([
    [
      'with moved images and a rising λ',
      { augment: { shift: 1, flip: true }, lambdaSchedule: { kind: 'warmup', epochs: 2 } },
      [1, 5, 6, 11],
      { last: 12, total: 12 },
    ],
    [
      'with an average, running statistics, and an early end',
      {
        method: 'vanilla',
        network: RESNET,
        ema: { halfLifeImages: 100 },
        // A rate so small that no epoch is better than the first.
        optimizer: { kind: 'adam', learningRate: 1e-12 },
        validation: { images: 8, attack: { norm: 'Linf', eps: '8/255', randomStart: true }, patience: 1 },
      },
      [2, 3, 5, 6],
      { last: 6, total: 9 },
    ],
  ])(
    'stopped at any step and taken up again ends with the same bytes, %s',
    async (_, settings, stops, { last, total }) => {
      const unbroken = await train(settings);
      const { directory } = world.contextOf(settings);
      for (const step of stops) await world.trainUntil(step, settings, directory);
      const { lines, notes } = await train(settings, directory);
      expect(notes[0]).toBe(`resuming at step ${stops.at(-1)} of ${total}`);
      expect((lines.at(-1) ?? unbroken.lines.at(-1))!.done).toBe(last);
      for (const name of ['model.safetensors', 'model.json', 'metrics.parquet']) {
        const [one, other] = [directory, unbroken.directory].map((folder) =>
          readFileSync(join(folder, name)),
        );
        expect(one!.equals(other!)).toBe(true);
      }
    },
  );

  it('compares log-softmax gradients if asked, which trains another network', async () => {
    const [logit, log] = [await train({}), await train({ gradientOf: 'log-softmax' })];
    expect(weights(logit.directory).equals(weights(log.directory))).toBe(false);
  });

  it('stops at a loss that is not finite, with the step, the images and what to do', async () => {
    const context = world.contextOf({ optimizer: { kind: 'sgd', learningRate: 1e30 } });
    const failure = (await runTrain(context).catch((error: unknown) => error)) as Error & { code: string };
    expect(failure.code).toBe('NOT_FINITE');
    expect(failure.message).toMatch(
      /^Expected finite losses, got (cross entropy|penalty|gradient norm) (NaN|Infinity)(, [a-z ]+ (NaN|Infinity))* at step \d+ \(training images (\d+, ){8}…\); the weights have diverged, so lower train\.optimizer\.learningRate \(now 1e\+30\), set train\.clipNorm, or lower train\.lambda\.$/,
    );
  });

  it('refuses to move points', async () => {
    const points = await datasetArtifact([2], 2, {
      images: Float32Array.of(0, 1, 2, 3),
      labels: Uint16Array.of(0, 1),
    });
    const config = training({ method: 'vanilla', network: { kind: 'mlp' }, augment: { flip: true } });
    await expect(runTrain(contextOf(config, { dataset: points }))).rejects.toThrow(
      'Expected train.augment to be off for the data set made, whose inputs are points of shape [2], got shift 0, flip true; remove train.augment.',
    );
  });
});
