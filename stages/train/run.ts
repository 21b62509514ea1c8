/** Trains a classifier from streamed batches, with checkpoints also in mid-epoch. */

import { PipelineError } from '../../schemas/errors.ts';
import { MODEL_VERSION } from '../../schemas/model.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { removeCheckpoint } from '../../store/checkpoints.ts';
import { readDataset } from '../../store/dataset-artifact.ts';
import { writeModel } from '../../store/model-files.ts';
import { type GradientReader, openGradientReader } from '../../store/shards/gradient-reader.ts';
import { prefetch } from '../../store/shards/prefetch.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { parameterCount } from '../numerics/tensor/parameters.ts';
import { makeBatches, type TrainBatch } from './batches.ts';
import { closeEpoch } from './epoch-end.ts';
import { addFigures, writeMetrics } from './metrics.ts';
import { modelOf } from './state.ts';
import { type StepFigures, trainStep } from './trainer.ts';
import { beginRun, isOver, lambdaOf, learningRateOf, saveRun, type TrainingRun } from './training-run.ts';

/** Batches that are read ahead of the step. */
const PREFETCHED = 4;

export async function runTrain(context: StageContext): Promise<void> {
  registerGradients();
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  const aligned = context.config.train.method === 'pag';
  const reader = aligned ? await openGradientReader(inputOf(context, 'precompute').directory) : null;
  try {
    const run = await beginRun(context, dataset);
    if (!isOver(run)) await trainSteps(run, reader);
    await finish(run);
  } finally {
    await reader?.close();
  }
}

async function trainSteps(run: TrainingRun, reader: GradientReader | null): Promise<void> {
  const { context, dataset, images, setting, perEpoch } = run;
  const { config } = setting;
  const make = makeBatches(dataset, images.trained, config, reader);
  for await (const batch of prefetch(config.epochs * perEpoch, make, PREFETCHED, run.step)) {
    const figures = advance(run, batch);
    if (run.step % perEpoch === 0) await closeEpoch(run);
    tellProgress(run, figures);
    await yieldToEvents();
    if (run.step % config.checkpointSteps === 0 || context.signal.aborted) await saveRun(run);
    stopIfAsked(context);
    if (isOver(run)) return;
  }
}

/** One step: changes the run's state, step and sums. */
function advance(run: TrainingRun, batch: TrainBatch): StepFigures {
  run.step += 1;
  const schedule = { lambda: lambdaOf(run), learningRate: learningRateOf(run), step: run.step };
  const { state, figures } = trainStep(run.setting, run.state, batch, schedule);
  run.state = state;
  const sum = figures.crossEntropy + figures.penalty + figures.gradientNorm;
  if (!Number.isFinite(sum)) throw notFinite(run, batch, figures);
  run.notes.sums = addFigures(run.notes.sums, figures);
  return figures;
}

/** A run that stops early has its last step as the total. */
function tellProgress(run: TrainingRun, figures: StepFigures): void {
  const { step, perEpoch, setting, context } = run;
  const total = isOver(run) ? step : setting.config.epochs * perEpoch;
  const loss = (figures.crossEntropy + lambdaOf(run) * figures.penalty) / figures.images;
  const cos = figures.compared === 0 ? {} : { cos: figures.cosine / figures.compared };
  context.progress({ done: step, total, unit: 'steps', figures: { loss, ...cos } });
}

async function finish(run: TrainingRun): Promise<void> {
  const { context, dataset, setting, normalization, perEpoch, notes } = run;
  const { network, config, shape } = setting;
  if (notes.best !== null) tellBest(run, notes.best.epoch);
  const batches = notes.best === null ? run.step : notes.best.epoch * perEpoch;
  await writeModel(
    context.directory,
    [...network.parameters, ...network.buffers],
    {
      flat: run.bestModel ?? modelOf(run.state),
      batchesTracked: (name) => Number(run.batchesBefore(name)) + batches,
    },
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

/** Says which weights are kept, and why training has ended before its time if it has. */
function tellBest({ context, setting, step, perEpoch }: TrainingRun, epoch: number): void {
  const { epochs, validation } = setting.config;
  const last = step / perEpoch;
  const end =
    last < epochs
      ? `stopped after epoch ${last} of ${epochs}, as ${validation!.patience} evaluations on held-out images brought no improvement; `
      : '';
  context.note(`${end}keeping the weights of epoch ${epoch}, the best on held-out images`);
}

function notFinite(run: TrainingRun, batch: TrainBatch, figures: StepFigures): PipelineError {
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
