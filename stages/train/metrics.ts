/** Figures of an epoch: gathered step by step, then written to Parquet and as TensorBoard events. */
import { join } from 'node:path';
import type { EpochMetrics } from '../../schemas/results.ts';
import { makeDirectory, writeFileAtomic } from '../../store/atomic-file.ts';
import { encodeEvents } from '../../store/event-file.ts';
import { writeTable } from '../../store/tables.ts';
import type { StepFigures } from './trainer.ts';

/** Sums over the steps of an epoch. */
export type EpochSums = StepFigures & { steps: number };

export function noSums(): EpochSums {
  return {
    steps: 0,
    images: 0,
    correct: 0,
    crossEntropy: 0,
    penalty: 0,
    cosine: 0,
    compared: 0,
    gradientNorm: 0,
  };
}

export function addFigures(sums: EpochSums, figures: StepFigures): EpochSums {
  const total = { ...sums, steps: sums.steps + 1 };
  for (const name of Object.keys(figures) as (keyof StepFigures)[]) total[name] += figures[name];
  return total;
}

/** Means of an epoch from its sums. */
export function epochMetrics(
  sums: EpochSums,
  rest: Omit<
    EpochMetrics,
    'loss' | 'crossEntropy' | 'penalty' | 'meanCosine' | 'gradientNorm' | 'trainAccuracy'
  >,
): EpochMetrics {
  const crossEntropy = sums.crossEntropy / sums.images;
  const penalty = sums.penalty / sums.images;
  return {
    ...rest,
    loss: crossEntropy + rest.lambda * penalty,
    crossEntropy,
    penalty,
    meanCosine: sums.compared > 0 ? sums.cosine / sums.compared : null,
    gradientNorm: sums.gradientNorm / sums.steps,
    trainAccuracy: sums.correct / sums.images,
  };
}

const INTEGERS: (keyof EpochMetrics)[] = ['epoch', 'step'];
const NULLABLE: (keyof EpochMetrics)[] = ['meanCosine', 'validationAccuracy', 'robustValidationAccuracy'];

/** `metrics.parquet`, one row per epoch. */
export async function writeMetrics(directory: string, history: readonly EpochMetrics[]): Promise<void> {
  const names = Object.keys(history[0]!) as (keyof EpochMetrics)[];
  await writeTable(
    join(directory, 'metrics.parquet'),
    names.map((name) => ({
      name,
      type: INTEGERS.includes(name) ? 'INT32' : 'DOUBLE',
      values: history.map((row) => row[name]),
      nullable: NULLABLE.includes(name),
    })),
  );
}

/** The whole history as one TensorBoard event file, written anew after each epoch. It names times, so no checksum covers it. */
export async function writeEvents(
  directory: string,
  history: readonly (EpochMetrics & { wallTimeSec: number })[],
): Promise<void> {
  const folder = join(directory, 'tensorboard');
  await makeDirectory(folder);
  const events = history.map(({ step, epoch, wallTimeSec, ...scalars }) => ({
    step: epoch,
    wallTimeSec,
    scalars: Object.fromEntries(Object.entries(scalars).filter(([, value]) => value !== null)) as Record<
      string,
      number
    >,
  }));
  await writeFileAtomic(join(folder, 'events.out.tfevents.0.pipeline'), encodeEvents(events));
}
