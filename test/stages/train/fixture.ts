/** Small images of three classes with stripes of their own, their class-mean targets, and training on them. */
import { beforeAll } from 'vitest';
import type { ExperimentConfig } from '../../../schemas/config.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { runPrecompute } from '../../../stages/precompute/run.ts';
import { runTrain } from '../../../stages/train/run.ts';
import { readCheckpoint } from '../../../store/checkpoints.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

export const IMAGES = 50;
export const SHAPE = [6, 6, 1];
/** With batch norms. */
export const RESNET = { kind: 'resnet18', widths: [2, 2, 3, 3] };

export const CNN = {
  kind: 'cnn',
  layers: [{ kind: 'conv', channels: 4 }, 'relu', 'flatten', { kind: 'dense', units: 8 }, 'relu', 'dense'],
};

/** Class of each image. */
export const labels = Uint16Array.from({ length: IMAGES }, (_, i) => i % 3);

/** Bytes of the images. */
export function stripes(): Uint8Array {
  const random = randomStream(3, 'images');
  return Uint8Array.from({ length: IMAGES * 36 }, (_, j) => {
    const label = labels[Math.floor(j / 36)]!;
    return Math.min(255, Math.floor(80 * random.uniform()) + (j % 3 === label ? 170 : 0));
  });
}

/** A configuration of 3 epochs of 4 steps. */
export const training = (train: object): ExperimentConfig =>
  configOf({
    precompute: { method: 'class-mean', shardImages: 16 },
    train: { network: CNN, epochs: 3, batchSize: 16, checkpointSteps: 2, ...train },
  });

type Context = ReturnType<typeof contextOf>;

export interface World {
  dataset: string;
  precompute: string;
  contextOf(settings: object, directory?: string): Context;
  train(settings: object, directory?: string): Promise<Context>;
  /** Trains until step `last` is done and its checkpoint written. */
  trainUntil(last: number, settings: object, directory?: string): Promise<Context>;
}

/** The artifacts, made once for a test file. */
export function makeWorld(): World {
  const inputs = { dataset: '', precompute: '' };
  beforeAll(async () => {
    inputs.dataset = await datasetArtifact(SHAPE, 3, { images: stripes(), labels });
    const context = contextOf(training({}), { dataset: inputs.dataset });
    await runPrecompute(context);
    inputs.precompute = context.directory;
  });
  const open = (settings: object, directory?: string) => contextOf(training(settings), inputs, directory);
  return {
    get dataset() {
      return inputs.dataset;
    },
    get precompute() {
      return inputs.precompute;
    },
    contextOf: open,
    async train(settings, directory) {
      const context = open(settings, directory);
      await runTrain(context);
      return context;
    },
    async trainUntil(last, settings, directory) {
      const context = open(settings, directory);
      const { progress } = context;
      context.progress = (line) => {
        progress(line);
        if (line.done === last) context.stop.abort();
      };
      const outcome = await runTrain(context).then(
        () => 'finished',
        (error: { code?: string }) => error.code ?? error,
      );
      if (outcome !== 'INTERRUPTED') throw new Error(`expected a stop at step ${last}, got ${outcome}`);
      return context;
    },
  };
}

/** The checkpoint of a run that was stopped. */
export async function checkpointOf({ directory }: { directory: string }) {
  const checkpoint = await readCheckpoint(directory);
  if (checkpoint === null) throw new Error(`no checkpoint in ${directory}`);
  return checkpoint;
}
