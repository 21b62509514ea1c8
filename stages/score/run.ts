/** Trains the score model step by step, with checkpoints; or writes down that the analytic score is used. */

import { join } from 'node:path';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { SCORE_MODEL_VERSION } from '../../schemas/model.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { readCheckpoint, removeCheckpoint, writeCheckpoint } from '../../store/checkpoints.ts';
import { type Dataset, readDataset } from '../../store/dataset-artifact.ts';
import { writeModel } from '../../store/model-files.ts';
import { writeTable } from '../../store/tables.ts';
import { type DataScale, dataScale } from '../numerics/diffusion/data-scale.ts';
import type { Preconditioning } from '../numerics/diffusion/preconditioning/preconditioning.ts';
import { makePreconditioning } from '../numerics/diffusion/preconditioning/registry.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import type { ScoreNetwork } from '../numerics/networks/network.ts';
import { makeScoreNetwork } from '../numerics/networks/registry.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { initializeParameters } from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { scoreBatch } from './batches.ts';
import { type ScoreState, scoreStep } from './trainer.ts';

/** Losses are averaged over so many steps for each row of the metrics. */
const STEPS_PER_ROW = 20;

type Notes = { rows: { step: number; loss: number }[]; sum: number };

export async function runScore(context: StageContext): Promise<void> {
  const config = context.config.score;
  const description = join(context.directory, 'score.json');
  if (config.kind === 'analytic') {
    await writeFileAtomic(description, `${JSON.stringify({ kind: 'analytic' })}\n`);
    return;
  }
  registerGradients();
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  const scale = dataScale(
    dataset.info.box,
    () => dataset.train.slice(0, dataset.train.count),
    config.sigmaData,
  );
  const network = makeScoreNetwork(config.network, dataset.info.shape, dataset.info.classNames.length);
  const preconditioning = { kind: 'edm' as const, sigmaData: config.sigmaData };
  const make = makePreconditioning(preconditioning);
  const { state, notes } = await trainSteps(context, config, dataset, scale, network, make);
  const average = Float32Array.from(await state.average.data());
  await writeModel(
    context.directory,
    network.parameters,
    { flat: average },
    {
      version: SCORE_MODEL_VERSION,
      network: config.network,
      preconditioning,
      scale,
      shape: dataset.info.shape,
      classNames: dataset.info.classNames,
      parameters: average.length,
      provenance: { dataset: dataset.info.name },
    },
  );
  await writeTable(join(context.directory, 'metrics.parquet'), [
    { name: 'step', type: 'INT32', values: notes.rows.map((row) => row.step) },
    { name: 'loss', type: 'DOUBLE', values: notes.rows.map((row) => row.loss) },
  ]);
  await writeFileAtomic(description, `${JSON.stringify({ kind: 'edm' })}\n`);
  await removeCheckpoint(context.directory);
}

async function trainSteps(
  context: StageContext,
  config: ExperimentConfig['score'],
  dataset: Dataset,
  scale: DataScale,
  network: ScoreNetwork,
  preconditioning: Preconditioning,
): Promise<{ state: ScoreState; notes: Notes }> {
  let { step, state, notes } = await begin(context, config, network);
  while (step < config.steps) {
    const batch = scoreBatch(dataset, scale, config, step);
    const result = scoreStep(network, state, batch, dataset.info.shape, config, preconditioning, ++step);
    state = result.state;
    if (!Number.isFinite(result.loss)) throw notFinite(step, config.learningRate);
    notes.sum += result.loss;
    if (step % STEPS_PER_ROW === 0) {
      notes.rows.push({ step, loss: notes.sum / STEPS_PER_ROW });
      notes.sum = 0;
    }
    context.progress({ done: step, total: config.steps, unit: 'steps', figures: { loss: result.loss } });
    await yieldToEvents();
    if (step % config.checkpointSteps === 0 || context.signal.aborted)
      await save(context, step, state, notes);
    stopIfAsked(context);
  }
  return { state, notes };
}

async function begin(
  context: StageContext,
  config: ExperimentConfig['score'],
  network: ScoreNetwork,
): Promise<{ step: number; state: ScoreState; notes: Notes }> {
  const saved = await readCheckpoint<Notes>(context.directory);
  if (saved !== null) {
    context.note(`resuming at step ${saved.step} of ${config.steps}`);
    const { values, first, second, average } = saved.vectors;
    const state = {
      values: tf.tensor1d(values!),
      slots: [tf.tensor1d(first!), tf.tensor1d(second!)],
      average: tf.tensor1d(average!),
    };
    return { step: saved.step, state, notes: saved.notes };
  }
  const fresh = initializeParameters(network.parameters, randomStream(config.seed ?? 0, 'score-init'));
  const zeros = () => tf.zeros([fresh.length]) as tf.Tensor1D;
  const state = { values: tf.tensor1d(fresh), slots: [zeros(), zeros()], average: tf.tensor1d(fresh) };
  return { step: 0, state, notes: { rows: [], sum: 0 } };
}

async function save(context: StageContext, step: number, state: ScoreState, notes: Notes): Promise<void> {
  const vector = (tensor: tf.Tensor) => tensor.dataSync() as Float32Array;
  const [first, second] = state.slots;
  await writeCheckpoint(context.directory, {
    step,
    vectors: {
      values: vector(state.values),
      first: vector(first!),
      second: vector(second!),
      average: vector(state.average),
    },
    notes,
  });
}

function notFinite(step: number, learningRate: number): PipelineError {
  return new PipelineError(
    'NOT_FINITE',
    `Expected a finite loss of the score model, got NaN or infinity at step ${step}; the weights have diverged, ` +
      `so lower score.learningRate (now ${learningRate}) or raise score.warmupSteps.`,
    { place: { stage: 'score' } },
  );
}
