/** Trains a classifier from streamed batches, with checkpoints also in mid-epoch. */

import { PipelineError } from '../../schemas/errors.ts';
import type { EpochMetrics } from '../../schemas/results.ts';
import type { Json, StageContext } from '../../schemas/stage.ts';
import { readCheckpoint, removeCheckpoint, writeCheckpoint } from '../../store/checkpoints.ts';
import { type Dataset, readDataset } from '../../store/dataset-artifact.ts';
import { writeModel } from '../../store/model-files.ts';
import { type GradientReader, openGradientReader } from '../../store/shards/gradient-reader.ts';
import { prefetch } from '../../store/shards/prefetch.ts';
import { accuracy, predict } from '../numerics/analyses/predictions.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { makeClassifier } from '../numerics/networks/registry.ts';
import { makeOptimizer } from '../numerics/optimizers/registry.ts';
import { lambdaAt, learningRateFactor } from '../numerics/optimizers/schedules.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { initializeParameters, loadParameters, parameterCount } from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { makeBatches, stepsPerEpoch, type TrainBatch } from './batches.ts';
import { addFigures, type EpochSums, epochMetrics, noSums, writeEvents, writeMetrics } from './metrics.ts';
import { type StepFigures, type TrainSetting, type TrainState, trainStep } from './trainer.ts';

/** Batches that are read ahead of the step. */
const PREFETCHED = 4;

type TimedMetrics = EpochMetrics & { wallTimeSec: number };
type Notes = { history: TimedMetrics[]; sums: EpochSums };

/** A run: what is fixed, and what changes from step to step. */
interface Run {
  context: StageContext;
  dataset: Dataset;
  setting: TrainSetting;
  perEpoch: number;
  step: number;
  state: TrainState;
  notes: Notes;
}

export async function runTrain(context: StageContext): Promise<void> {
  registerGradients();
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  refuseMovesOfPoints(context, dataset);
  const aligned = context.config.train.method === 'pag';
  const reader = aligned ? await openGradientReader(inputOf(context, 'precompute').directory) : null;
  try {
    await finish(await trainSteps(await begin(context, dataset), reader));
  } finally {
    await reader?.close();
  }
}

async function begin(context: StageContext, dataset: Dataset): Promise<Run> {
  const config = context.config.train;
  const { shape, classNames } = dataset.info;
  const network = makeClassifier(config.network, shape, classNames.length);
  const optimizer = makeOptimizer(config.optimizer);
  const setting: TrainSetting = { network, shape, classes: classNames.length, config, optimizer };
  const perEpoch = stepsPerEpoch(dataset, config);
  const saved = await readCheckpoint<Notes & Json>(context.directory);
  if (saved !== null) {
    context.note(`resuming at step ${saved.step} of ${config.epochs * perEpoch}`);
    const slots = Array.from({ length: optimizer.slots }, (_, i) => tf.tensor1d(saved.vectors[`slot${i}`]!));
    const state = { values: tf.tensor1d(saved.vectors.values!), slots };
    return { context, dataset, setting, perEpoch, step: saved.step, state, notes: saved.notes };
  }
  const fresh = initializeParameters(network.parameters, randomStream(config.seed ?? 0, 'train-init'));
  const slots = Array.from({ length: optimizer.slots }, () => tf.zeros([fresh.length]) as tf.Tensor1D);
  const notes = { history: [], sums: noSums() };
  return {
    context,
    dataset,
    setting,
    perEpoch,
    step: 0,
    state: { values: tf.tensor1d(fresh), slots },
    notes,
  };
}

async function trainSteps(run: Run, reader: GradientReader | null): Promise<Run> {
  const { context, setting, perEpoch } = run;
  const total = setting.config.epochs * perEpoch;
  const batches = prefetch(total, makeBatches(run.dataset, setting.config, reader), PREFETCHED, run.step);
  for await (const batch of batches) {
    const figures = advance(run, batch);
    if (run.step % perEpoch === 0) await closeEpoch(run);
    const loss = (figures.crossEntropy + lambdaOf(run) * figures.alignment) / figures.images;
    const cos = reader === null ? {} : { cos: figures.cosine / figures.images };
    context.progress({ done: run.step, total, unit: 'steps', figures: { loss, ...cos } });
    await yieldToEvents();
    if (run.step % setting.config.checkpointSteps === 0 || context.signal.aborted) await save(run);
    stopIfAsked(context);
  }
  return run;
}

/** λ of the last step that was done. */
function lambdaOf({ setting, perEpoch, step }: Run): number {
  return setting.config.method === 'pag' ? lambdaAt(setting.config, (step - 0.5) / perEpoch) : 0;
}

/** Learning rate of the last step that was done; schedules are read in the middle of a step. */
function learningRateOf({ setting: { config }, perEpoch, step }: Run): number {
  return (
    config.optimizer.learningRate *
    learningRateFactor(config.schedule, (step - 0.5) / perEpoch, config.epochs)
  );
}

/** One step: changes the run's state, step and sums. */
function advance(run: Run, batch: TrainBatch): StepFigures {
  run.step += 1;
  const settings = { lambda: lambdaOf(run), learningRate: learningRateOf(run), step: run.step };
  const { state, figures } = trainStep(run.setting, run.state, batch, settings);
  run.state = state;
  const sum = figures.crossEntropy + figures.alignment + figures.gradientNorm;
  if (!Number.isFinite(sum)) throw notFinite(run, batch, figures);
  run.notes.sums = addFigures(run.notes.sums, figures);
  return figures;
}

async function closeEpoch(run: Run): Promise<void> {
  const { setting, dataset, notes, step, perEpoch, context } = run;
  const parameters = loadParameters(setting.network.parameters, run.state.values.dataSync() as Float32Array);
  const { test, info } = dataset;
  const logitsOf = (x: tf.Tensor) => setting.network.logits(parameters, x);
  const predicted = predict(logitsOf, test, info.shape, test.count, setting.config.batchSize);
  tf.dispose(parameters);
  const metrics = epochMetrics(notes.sums, {
    epoch: step / perEpoch,
    step,
    learningRate: learningRateOf(run),
    lambda: lambdaOf(run),
    testAccuracy: accuracy(predicted, test.labels),
    aligned: setting.config.method === 'pag',
  });
  notes.history.push({ ...metrics, wallTimeSec: Date.now() / 1000 });
  notes.sums = noSums();
  await writeEvents(context.directory, notes.history);
}

async function save({ context, step, state, notes }: Run): Promise<void> {
  const slots = state.slots.map((slot, i) => [`slot${i}`, slot.dataSync() as Float32Array]);
  const vectors = { values: state.values.dataSync() as Float32Array, ...Object.fromEntries(slots) };
  await writeCheckpoint(context.directory, { step, vectors, notes: notes as unknown as Json });
}

async function finish({ context, dataset, setting, state, notes }: Run): Promise<void> {
  const { network, config, shape, classes } = setting;
  const flat = state.values.dataSync() as Float32Array;
  await writeModel(context.directory, network.parameters, flat, {
    network: config.network,
    shape: [...shape],
    classes,
    classNames: dataset.info.classNames,
    parameters: parameterCount(network.parameters),
  });
  const history = notes.history.map(({ wallTimeSec, ...metrics }) => metrics);
  await writeMetrics(context.directory, history);
  await removeCheckpoint(context.directory);
}

function refuseMovesOfPoints({ config }: StageContext, { info }: Dataset): void {
  const { shift, flip } = config.train.augment;
  if (info.shape.length === 3 || (shift === 0 && !flip)) return;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected train.augment to be off for the data set ${info.name}, whose inputs are points of shape ` +
      `[${info.shape}], got shift ${shift}, flip ${flip}; remove train.augment.`,
  );
}

function notFinite(run: Run, batch: TrainBatch, figures: StepFigures): PipelineError {
  const { step, context, setting } = run;
  const parts = Object.entries({
    'cross entropy': figures.crossEntropy,
    alignment: figures.alignment,
    'gradient norm': figures.gradientNorm,
  }).filter(([, value]) => !Number.isFinite(value));
  const ids = [...batch.images.subarray(0, 8)].join(', ');
  return new PipelineError(
    'NOT_FINITE',
    `Expected finite losses, got ${parts.map(([name, value]) => `${name} ${value}`).join(', ')} at step ${step} ` +
      `(training images ${ids}${batch.images.length > 8 ? ', …' : ''}); the weights have diverged, so lower ` +
      `train.optimizer.learningRate (now ${setting.config.optimizer.learningRate}), set train.clipNorm, or lower train.lambda.`,
    { place: { stage: 'train', artifact: context.directory } },
  );
}
