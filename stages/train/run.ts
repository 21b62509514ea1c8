/** Trains a classifier from streamed batches, with checkpoints also in mid-epoch. */

import { PipelineError } from '../../schemas/errors.ts';
import { MODEL_VERSION } from '../../schemas/model.ts';
import type { Normalization } from '../../schemas/network-config.ts';
import type { EpochMetrics } from '../../schemas/results.ts';
import type { Json, StageContext } from '../../schemas/stage.ts';
import type { TrainConfig } from '../../schemas/train-config.ts';
import { readCheckpoint, removeCheckpoint, writeCheckpoint } from '../../store/checkpoints.ts';
import { type Dataset, readDataset } from '../../store/dataset-artifact.ts';
import { writeModel } from '../../store/model-files.ts';
import { type GradientReader, openGradientReader } from '../../store/shards/gradient-reader.ts';
import { prefetch } from '../../store/shards/prefetch.ts';
import { accuracy, predict } from '../numerics/analyses/predictions.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import type { Classifier } from '../numerics/networks/network.ts';
import { makeClassifier } from '../numerics/networks/registry.ts';
import { makeOptimizer } from '../numerics/optimizers/registry.ts';
import { lambdaAt, learningRateFactor } from '../numerics/optimizers/schedules.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { initializeParameters, loadParameters, parameterCount } from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { makeBatches, stepsPerEpoch, type TrainBatch } from './batches.ts';
import { makeMethod } from './methods/registry.ts';
import { addFigures, type EpochSums, epochMetrics, noSums, writeEvents, writeMetrics } from './metrics.ts';
import { channelMoments } from './normalization.ts';
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
  normalization: Normalization;
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
  const normalization = config.normalization === 'dataset' ? channelMoments(dataset) : config.normalization;
  const network = makeClassifier(config.network, shape, classNames.length, normalization);
  refuseMicroBatches(config, network);
  const optimizer = makeOptimizer(config.optimizer);
  const setting: TrainSetting = {
    network,
    method: makeMethod(config),
    shape,
    classes: classNames.length,
    box: dataset.info.box,
    config,
    optimizer,
  };
  const perEpoch = stepsPerEpoch(dataset, config);
  const saved = await readCheckpoint<Notes & Json>(context.directory);
  if (saved !== null) {
    context.note(`resuming at step ${saved.step} of ${config.epochs * perEpoch}`);
    const slots = Array.from({ length: optimizer.slots }, (_, i) => tf.tensor1d(saved.vectors[`slot${i}`]!));
    const { values, buffers } = saved.vectors;
    const state = { values: tf.tensor1d(values!), buffers: tf.tensor1d(buffers!), slots };
    return {
      context,
      dataset,
      setting,
      normalization,
      perEpoch,
      step: saved.step,
      state,
      notes: saved.notes,
    };
  }
  const random = randomStream(config.seed ?? 0, 'train-init');
  const fresh = initializeParameters(network.parameters, random);
  const buffers = tf.tensor1d(initializeParameters(network.buffers, random), 'float32');
  const slots = Array.from({ length: optimizer.slots }, () => tf.zeros([fresh.length]) as tf.Tensor1D);
  const notes = { history: [], sums: noSums() };
  return {
    context,
    dataset,
    setting,
    normalization,
    perEpoch,
    step: 0,
    state: { values: tf.tensor1d(fresh), buffers, slots },
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
    const loss = (figures.crossEntropy + lambdaOf(run) * figures.penalty) / figures.images;
    const cos = figures.compared === 0 ? {} : { cos: figures.cosine / figures.compared };
    context.progress({ done: run.step, total, unit: 'steps', figures: { loss, ...cos } });
    await yieldToEvents();
    if (run.step % setting.config.checkpointSteps === 0 || context.signal.aborted) await save(run);
    stopIfAsked(context);
  }
  return run;
}

/** λ of the last step that was done. */
function lambdaOf({ setting, perEpoch, step }: Run): number {
  return setting.method.penalties === undefined ? 0 : lambdaAt(setting.config, (step - 0.5) / perEpoch);
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
  const sum = figures.crossEntropy + figures.penalty + figures.gradientNorm;
  if (!Number.isFinite(sum)) throw notFinite(run, batch, figures);
  run.notes.sums = addFigures(run.notes.sums, figures);
  return figures;
}

async function closeEpoch(run: Run): Promise<void> {
  const { setting, dataset, notes, step, perEpoch, context } = run;
  const { parameters: trained, buffers } = setting.network;
  const parameters = loadParameters([...trained, ...buffers], flatModel(run.state));
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
  });
  notes.history.push({ ...metrics, wallTimeSec: Date.now() / 1000 });
  notes.sums = noSums();
  await writeEvents(context.directory, notes.history);
}

async function save({ context, step, state, notes }: Run): Promise<void> {
  const slots = state.slots.map((slot, i) => [`slot${i}`, slot.dataSync() as Float32Array]);
  const vectors = {
    values: state.values.dataSync() as Float32Array,
    buffers: state.buffers.dataSync() as Float32Array,
    ...Object.fromEntries(slots),
  };
  await writeCheckpoint(context.directory, { step, vectors, notes: notes as unknown as Json });
}

/** Parameters, then running statistics. */
function flatModel({ values, buffers }: TrainState): Float32Array {
  return tf.tidy(() => tf.concat1d([values, buffers]).dataSync()) as Float32Array;
}

async function finish({ context, dataset, setting, normalization, step, state, notes }: Run): Promise<void> {
  const { network, config, shape } = setting;
  const layout = [...network.parameters, ...network.buffers];
  await writeModel(
    context.directory,
    layout,
    { flat: flatModel(state), batchesTracked: () => step },
    {
      version: MODEL_VERSION,
      network: config.network,
      normalization,
      shape: [...shape],
      classNames: dataset.info.classNames,
      parameters: parameterCount(network.parameters),
      provenance: {},
    },
  );
  const history = notes.history.map(({ wallTimeSec, ...metrics }) => metrics);
  await writeMetrics(context.directory, history);
  await removeCheckpoint(context.directory);
}

/** The statistics of a part of a batch are not those of the batch, so the result would be another. */
function refuseMicroBatches({ microBatch, network: { kind } }: TrainConfig, network: Classifier): void {
  if (microBatch === undefined || network.buffers.length === 0) return;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected train.microBatch to be left out for the network ${kind}, whose batch norms look at the whole batch, ` +
      `got ${microBatch}; remove it (train.targetsAtOnce bounds the memory), or lower train.batchSize.`,
  );
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
    penalty: figures.penalty,
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
