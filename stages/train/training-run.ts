/** A training run: what is fixed, what changes from step to step, and its way into a checkpoint and back. */
import type { EpochMetrics } from '../../schemas/results.ts';
import type { Json, StageContext } from '../../schemas/stage.ts';
import { readCheckpoint, writeCheckpoint } from '../../store/checkpoints.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { lambdaAt, learningRateFactor } from '../numerics/optimizers/schedules.ts';
import { stepsPerEpoch } from './batches.ts';
import { type ImageSplit, splitImages } from './held-out.ts';
import { type EpochSums, noSums } from './metrics.ts';
import type { TrainState } from './setting.ts';
import { type Setup, setUp } from './setup.ts';
import { drawModel, fromVectors, stateAtStart, toVectors } from './state.ts';
import type { BestSoFar } from './validation.ts';

/** What a checkpoint holds besides vectors. */
export type Notes = {
  history: (EpochMetrics & { wallTimeSec: number })[];
  /** Of the epoch that has begun. */
  sums: EpochSums;
  /** Null before the first evaluation on held-out images. */
  best: BestSoFar | null;
};

export interface TrainingRun extends Setup {
  context: StageContext;
  dataset: Dataset;
  images: ImageSplit;
  perEpoch: number;
  /** Steps done. */
  step: number;
  state: TrainState;
  /** Weights of the best evaluation, as {@link file://./state.ts} gives them. */
  bestModel: Float32Array | null;
  notes: Notes;
}

/** A run at its start, or where the checkpoint left it. */
export async function beginRun(context: StageContext, dataset: Dataset): Promise<TrainingRun> {
  const given = context.config.train;
  const images = splitImages(dataset.train.labels, given.validation?.images ?? 0, given.seed ?? 0);
  const setup = await setUp(given, dataset, images.trained);
  const { setting, start } = setup;
  const perEpoch = stepsPerEpoch(images.trained, setting.config);
  const fixed = { ...setup, context, dataset, images, perEpoch };
  const saved = await readCheckpoint<Notes & Json>(context.directory);
  if (saved === null) {
    const state = stateAtStart(setting, start ?? drawModel(setting));
    return { ...fixed, step: 0, state, bestModel: null, notes: { history: [], sums: noSums(), best: null } };
  }
  const { step, vectors, notes } = saved;
  context.note(`resuming at step ${step} of ${setting.config.epochs * perEpoch}`);
  return { ...fixed, step, state: fromVectors(setting, vectors), bestModel: vectors.best ?? null, notes };
}

/** Writes the checkpoint. */
export async function saveRun({ context, step, state, bestModel, notes }: TrainingRun): Promise<void> {
  const vectors = { ...toVectors(state), ...(bestModel && { best: bestModel }) };
  await writeCheckpoint(context.directory, { step, vectors, notes: notes as unknown as Json });
}

/** Whether the last step is done, or there has been no improvement for so long as `train.validation` allows. */
export function isOver({ setting: { config }, perEpoch, step, notes }: TrainingRun): boolean {
  const hasStalled = notes.best !== null && notes.best.waited >= config.validation!.patience;
  return hasStalled || step >= config.epochs * perEpoch;
}

/** λ of the last step that was done; schedules are read in the middle of a step. */
export function lambdaOf({ setting, perEpoch, step }: TrainingRun): number {
  return setting.method.penalties === undefined ? 0 : lambdaAt(setting.config, (step - 0.5) / perEpoch);
}

/** Learning rate of the last step that was done. */
export function learningRateOf({ setting: { config }, perEpoch, step }: TrainingRun): number {
  const factor = learningRateFactor(config.schedule, (step - 0.5) / perEpoch, config.epochs);
  return config.optimizer.learningRate * factor;
}
