/** The end of an epoch: accuracies of the weights that would be kept, a row of metrics, and whether they are the best. */
import { accuracy, predict } from '../numerics/analyses/predictions.ts';
import { loadParameters } from '../numerics/tensor/parameters.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { epochMetrics, noSums, writeEvents } from './metrics.ts';
import { modelOf } from './state.ts';
import { lambdaOf, learningRateOf, type TrainingRun } from './training-run.ts';
import { afterEvaluation, validate } from './validation.ts';

/** Changes the run's notes, and its best weights where these are better. */
export async function closeEpoch(run: TrainingRun): Promise<void> {
  const { setting, dataset, notes, step, perEpoch, context } = run;
  const { network } = setting;
  const epoch = step / perEpoch;
  const model = modelOf(run.state);
  const parameters = loadParameters([...network.parameters, ...network.buffers], model);
  const logitsOf = (x: tf.Tensor) => network.logits(parameters, x);
  const { test, info } = dataset;
  const predicted = predict(logitsOf, test, info.shape, test.count, setting.config.batchSize);
  const validation = await judge(run, epoch, model, logitsOf);
  tf.dispose(parameters);
  const metrics = epochMetrics(notes.sums, {
    epoch,
    step,
    learningRate: learningRateOf(run),
    lambda: lambdaOf(run),
    testAccuracy: accuracy(predicted, test.labels),
    validationAccuracy: validation?.validationAccuracy ?? null,
    robustValidationAccuracy: validation?.robustValidationAccuracy ?? null,
  });
  notes.history.push({ ...metrics, wallTimeSec: Date.now() / 1000 });
  notes.sums = noSums();
  await writeEvents(context.directory, notes.history);
}

/** Evaluates on the held-out images where that is due; null where it is not. */
async function judge(
  run: TrainingRun,
  epoch: number,
  model: Float32Array,
  logitsOf: (x: tf.Tensor) => tf.Tensor2D,
) {
  const { dataset, images, notes } = run;
  const { validation, epochs, batchSize, seed = 0 } = run.setting.config;
  if (validation === undefined) return null;
  if (epoch % validation.everyEpochs !== 0 && epoch !== epochs) return null;
  const figures = await validate(logitsOf, {
    dataset,
    images: images.heldOut,
    config: validation,
    batchSize,
    seed,
  });
  notes.best = afterEvaluation(notes.best, figures, epoch);
  if (notes.best.epoch === epoch) run.bestModel = model;
  return figures;
}
