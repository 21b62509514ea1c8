/** Trains the score model step by step, with checkpoints; or writes down that the analytic score is used. */
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import { SCORE_MODEL_VERSION } from '../../schemas/model.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { removeCheckpoint } from '../../store/checkpoints.ts';
import { readDataset } from '../../store/dataset-artifact.ts';
import { writeModel } from '../../store/model-files.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { scoreBatch } from './batches.ts';
import { look } from './look.ts';
import { writeEvents, writeMetrics } from './metrics.ts';
import { preconditioningOf, setUp } from './setting.ts';
import { scoreStep } from './trainer.ts';
import { beginRun, type ScoreRun, saveRun } from './training-run.ts';

/** Losses are averaged over so many steps for each row of the metrics. */
const STEPS_PER_ROW = 20;

export async function runScore(context: StageContext): Promise<void> {
  const { score: config } = context.config;
  if (config.kind !== 'analytic') {
    registerGradients();
    const dataset = await readDataset(inputOf(context, 'dataset').directory);
    const run = await beginRun(context, setUp(config, dataset));
    await train(run);
    await writeResult(run);
  }
  await writeFileAtomic(join(context.directory, 'score.json'), `${JSON.stringify({ kind: config.kind })}\n`);
  await removeCheckpoint(context.directory);
}

async function train(run: ScoreRun): Promise<void> {
  const { context, setting, notes } = run;
  const { steps, checkpointSteps } = setting.config;
  await look(run);
  while (run.step < steps) {
    const loss = takeStep(run);
    context.progress({ done: run.step, total: steps, unit: 'steps', figures: { loss } });
    await yieldToEvents();
    await look(run);
    if (run.step % checkpointSteps === 0 || context.signal.aborted) {
      await saveRun(run);
      await writeEvents(context.directory, notes);
    }
    stopIfAsked(context);
  }
}

/** Changes the run. Returns the loss of the batch. */
function takeStep(run: ScoreRun): number {
  const { setting, notes } = run;
  const batch = scoreBatch(setting, run.step);
  const { state, loss } = scoreStep(setting, run.state, batch, run.step + 1);
  run.state = state;
  run.step += 1;
  if (!Number.isFinite(loss)) throw notFinite(run.step, setting.config.learningRate);
  notes.sum += loss;
  if (run.step % STEPS_PER_ROW === 0) {
    notes.rows.push({ step: run.step, loss: notes.sum / STEPS_PER_ROW, wallTimeSec: Date.now() / 1000 });
    notes.sum = 0;
  }
  return loss;
}

/** The averaged weights, and the losses on the way to them. */
async function writeResult({ context, setting, state, notes }: ScoreRun): Promise<void> {
  const { network, config, scale, dataset } = setting;
  const average = Float32Array.from(await state.average.data());
  await writeModel(
    context.directory,
    network.parameters,
    { flat: average },
    {
      version: SCORE_MODEL_VERSION,
      network: config.network,
      preconditioning: preconditioningOf(config),
      scale,
      shape: dataset.info.shape,
      classNames: dataset.info.classNames,
      parameters: average.length,
      provenance: { dataset: dataset.info.name },
    },
  );
  await writeMetrics(context.directory, notes);
  await writeEvents(context.directory, notes);
}

function notFinite(step: number, learningRate: number): PipelineError {
  return new PipelineError(
    'NOT_FINITE',
    `Expected a finite loss of the score model, got NaN or infinity at step ${step}; the weights have diverged, ` +
      `so lower score.learningRate (now ${learningRate}) or raise score.warmupSteps.`,
    { place: { stage: 'score' } },
  );
}
