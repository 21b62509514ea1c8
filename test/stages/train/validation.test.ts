/** Early stopping: the accuracies by which weights are judged, which are kept, and when training ends. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { readClassifier } from '../../../stages/numerics/networks/trained-classifier.ts';
import { makeBatches, stepsPerEpoch } from '../../../stages/train/batches.ts';
import { splitImages } from '../../../stages/train/held-out.ts';
import { afterEvaluation, validate } from '../../../stages/train/validation.ts';
import { type Dataset, readDataset, viewSplit } from '../../../store/dataset-artifact.ts';
import { readTable } from '../../../store/tables.ts';
import { tf } from '../../support/engine.ts';
import { checkpointOf, labels, makeWorld, training } from './fixture.ts';

registerGradients();
const world = makeWorld();
const ATTACK = {
  method: 'pgd',
  norm: 'L2',
  eps: 1,
  steps: 10,
  relativeStep: 2.5,
  randomStart: false,
} as const;
const FAST = { method: 'vanilla', optimizer: { kind: 'adam', learningRate: 0.01 }, epochs: 6 };
const STILL = { ...FAST, optimizer: { kind: 'adam', learningRate: 1e-12 } };

async function metricsOf({ directory }: { directory: string }) {
  const rows = await readTable(join(directory, 'metrics.parquet'));
  return {
    clean: rows.map((row) => row.validationAccuracy),
    robust: rows.map((row) => row.robustValidationAccuracy),
  };
}

describe('validation', () => {
  it('counts what is right, and what is right within ε of the decision line', async () => {
    // Class 1 above the line x₂ = 0, class 0 below it; distances 0.5, 1.5, 3 and, on the wrong side, 2.
    const points = Float32Array.of(9, 0.5, -7, -1.5, 4, 3, 5, 2, 99, 99);
    const train = viewSplit({ images: points, labels: Uint16Array.of(1, 0, 1, 0, 0) }, 2);
    const dataset = {
      train,
      size: 2,
      info: { shape: [2], box: null, classNames: ['below', 'above'] },
    } as unknown as Dataset;
    const direction = tf.tensor2d([
      [0, 0],
      [0, 1],
    ]);
    const logitsOf = (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, direction) as tf.Tensor2D;
    const config = { images: 4, attack: ATTACK, patience: 1, everyEpochs: 1 };
    const figures = (attack: Partial<typeof ATTACK> | { eps: number }) =>
      validate(logitsOf, {
        dataset,
        images: Uint32Array.of(0, 1, 2, 3),
        config: { ...config, attack: { ...ATTACK, ...attack } },
        batchSize: 3,
        seed: 0,
      });
    expect(await figures({})).toEqual({ validationAccuracy: 0.75, robustValidationAccuracy: 0.5 });
    expect(await figures({ eps: 0.4 })).toEqual({ validationAccuracy: 0.75, robustValidationAccuracy: 0.75 });
    expect(await figures({ eps: 2 })).toEqual({ validationAccuracy: 0.75, robustValidationAccuracy: 0.25 });
  });

  it('prefers robust accuracy, then clean accuracy, then the earlier epoch', () => {
    const evaluations = [
      [0.9, 0.3],
      [0.8, 0.4],
      [0.7, 0.4],
      [0.8, 0.4],
      [0.85, 0.4],
    ] as const;
    let best = null as ReturnType<typeof afterEvaluation> | null;
    const epochs = evaluations.map(([validationAccuracy, robustValidationAccuracy], i) => {
      best = afterEvaluation(best, { validationAccuracy, robustValidationAccuracy }, i + 1);
      return [best.epoch, best.waited];
    });
    expect(epochs).toEqual([
      [1, 0],
      [2, 0],
      [2, 1],
      [2, 2],
      [5, 0],
    ]);
  });
});

describe('training with images held out', () => {
  it('draws each of the others once an epoch and the held-out ones never', async () => {
    const dataset = await readDataset(world.dataset);
    const { trained } = splitImages(labels, 12, 0);
    const { train } = training({});
    const make = makeBatches(dataset, trained, train, null);
    for (const epoch of [0, 1]) {
      const steps = stepsPerEpoch(trained, train);
      expect(steps).toBe(3);
      const seen: number[] = [];
      for (let i = 0; i < steps; i++) seen.push(...(await make(epoch * steps + i)).images);
      expect(seen.sort((a, b) => a - b)).toEqual([...trained]);
    }
  });

  it('ends after `patience` evaluations without improvement and keeps the first of equal weights', async () => {
    const settings = { ...STILL, validation: { images: 12, attack: ATTACK, patience: 2 } };
    const ended = await world.train(settings);
    expect(ended.notes).toEqual([
      'stopped after epoch 3 of 6, as 2 evaluations on held-out images brought no improvement; keeping the weights of epoch 1, the best on held-out images',
    ]);
    expect(ended.lines.at(-1)).toMatchObject({ done: 9, total: 9 });
    expect((await metricsOf(ended)).robust).toHaveLength(3);
    const { vectors } = await checkpointOf(await world.trainUntil(3, settings));
    expect((await readClassifier(ended.directory)).weights.flat).toEqual(vectors.values);
  });

  it('keeps the best weights of a whole training, and evaluates as often as asked and at the end', async () => {
    const settings = { ...FAST, epochs: 5, validation: { images: 12, attack: ATTACK, everyEpochs: 2 } };
    const whole = await world.train(settings);
    const { clean, robust } = await metricsOf(whole);
    expect(robust.map((value) => value === null)).toEqual([true, false, true, false, false]);
    expect(clean.map((value) => value === null)).toEqual([true, false, true, false, false]);
    expect(clean.at(-1)).toBeGreaterThan(0.5);
    const events = readFileSync(
      join(whole.directory, 'tensorboard/events.out.tfevents.0.pipeline'),
      'latin1',
    );
    for (const name of ['robustValidationAccuracy', 'validationAccuracy']) {
      expect(events.split(`\x0a${String.fromCharCode(name.length)}${name}`)).toHaveLength(1 + 3);
    }
    const score = (epoch: number) => [robust[epoch - 1] as number, clean[epoch - 1] as number, -epoch];
    const better = (a: number[], b: number[]) => a.map((value, i) => value - b[i]!).find((gap) => gap !== 0)!;
    const best = [2, 4, 5].sort((a, b) => better(score(b), score(a)))[0]!;
    expect(whole.notes).toEqual([`keeping the weights of epoch ${best}, the best on held-out images`]);
    const { vectors } = await checkpointOf(await world.trainUntil(3 * best, settings));
    expect((await readClassifier(whole.directory)).weights.flat).toEqual(vectors.values);
  });

  it('judges and keeps the average where there is one', async () => {
    const settings = {
      ...STILL,
      ema: { halfLifeImages: 1e6 },
      optimizer: { kind: 'adam', learningRate: 0.003 },
      epochs: 2,
      validation: { images: 12, attack: ATTACK },
    };
    const stopped = await world.trainUntil(6, settings);
    const { vectors, notes } = await checkpointOf(stopped);
    const { directory } = await world.train(settings, stopped.directory);
    const { epoch } = (notes as unknown as { best: { epoch: number } }).best;
    const { vectors: then } = await checkpointOf(await world.trainUntil(3 * epoch, settings));
    expect((await readClassifier(directory)).weights.flat).toEqual(then.average);
    expect(vectors.best).toEqual(then.average);
    expect(then.average).not.toEqual(then.values);
  });
});
