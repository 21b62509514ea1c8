/** One step of score training, and the state that it carries. */
import { AUGMENTATIONS } from '../../schemas/score-config.ts';
import { denoise } from '../numerics/diffusion/denoise.ts';
import { lossGradients } from '../numerics/gradients/loss-gradients.ts';
import { scoreMatching } from '../numerics/losses/score-matching.ts';
import type { ScorePass } from '../numerics/networks/network.ts';
import { averageDecay, moveAverage } from '../numerics/optimizers/weight-average.ts';
import { dropoutMask } from '../numerics/tensor/dropout-mask.ts';
import { joinGradients, nameParameters, splitParameters } from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { ScoreBatch } from './batches.ts';
import type { ScoreSetting } from './setting.ts';

/** Flat vectors, [parameters] each. */
export interface ScoreState {
  values: tf.Tensor1D;
  slots: tf.Tensor1D[];
  /** Running average of the values; the model that is kept. */
  average: tf.Tensor1D;
}

/** Part of a batch that goes through the network at once. */
interface Part {
  first: number;
  count: number;
}

type LossGradient = { value: tf.Scalar; gradient: tf.Tensor1D };

/** Loss of a part of the batch and its gradient, as shares of those of the whole. */
function partOfLoss(
  { network, preconditioning, config, dataset }: ScoreSetting,
  values: tf.Tensor1D,
  batch: ScoreBatch,
  { first, count }: Part,
  step: number,
): LossGradient {
  const whole = batch.sigma.length;
  const take = (all: Float32Array) =>
    all.subarray((first * all.length) / whole, ((first + count) * all.length) / whole);
  const clean = tf.tensor(take(batch.clean), [count, ...dataset.info.shape]);
  const noisy = tf.tensor(take(batch.noisy), [count, ...dataset.info.shape]);
  const sigma = take(batch.sigma);
  const oneHot = tf.tensor2d(take(batch.oneHot), [count, batch.oneHot.length / whole]);
  const labels = batch.augmentation && tf.tensor2d(take(batch.augmentation), [count, AUGMENTATIONS]);
  const tensors = splitParameters(network.parameters, values);
  const { value, gradients } = lossGradients(() => {
    const parameters = nameParameters(network.parameters, tensors);
    const pass = beginPass(config.seed ?? 0, step, first, labels);
    const denoised = denoise({ network, parameters, preconditioning }, noisy, sigma, oneHot, pass);
    const loss = tf.mean(scoreMatching(denoised, clean, sigma, preconditioning));
    return tf.mul(loss, count / whole) as tf.Scalar;
  }, tensors);
  return { value, gradient: joinGradients(gradients) };
}

/** A pass whose masks depend on (seed, step, place in the batch, place in the network) alone. */
function beginPass(
  seed: number,
  step: number,
  first: number,
  augmentation: tf.Tensor2D | undefined,
): ScorePass {
  let masks = 0;
  return {
    ...(augmentation && { augmentation }),
    dropoutMask(shape, rate) {
      const mask = masks++;
      return dropoutMask(shape, rate, (i) => randomStream(seed, 'score-dropout', step, first + i, mask));
    },
  };
}

/** The sum of the parts, one after the other, so that memory holds one. */
function lossAndGradient(
  setting: ScoreSetting,
  values: tf.Tensor1D,
  batch: ScoreBatch,
  step: number,
): LossGradient {
  const { batchSize, microBatch = batchSize } = setting.config;
  const parts = Array.from({ length: Math.ceil(batchSize / microBatch) }, (_, i) => {
    const first = i * microBatch;
    return { first, count: Math.min(microBatch, batchSize - first) };
  });
  const lossOf = (part: Part) => partOfLoss(setting, values, batch, part, step);
  return parts.slice(1).reduce(
    (sum, part) => {
      const next = tf.tidy(() => {
        const { value, gradient } = lossOf(part);
        return {
          value: tf.add(sum.value, value) as tf.Scalar,
          gradient: tf.add(sum.gradient, gradient) as tf.Tensor1D,
        };
      });
      tf.dispose([sum.value, sum.gradient]);
      return next;
    },
    tf.tidy(() => lossOf(parts[0]!)),
  );
}

/**
 * One step. Disposes the old state.
 *
 * @param step counted from 1
 * @returns the new state and the loss, averaged over images and pixels
 */
export function scoreStep(
  setting: ScoreSetting,
  state: ScoreState,
  batch: ScoreBatch,
  step: number,
): { state: ScoreState; loss: number } {
  const { learningRate, warmupSteps, batchSize, emaHalfLifeImages, emaRampup } = setting.config;
  const rate = learningRate * Math.min(1, step / Math.max(1, warmupSteps));
  const decay = averageDecay(batchSize, emaHalfLifeImages, step, emaRampup);
  const { next, loss } = tf.tidy(() => {
    const { value, gradient } = lossAndGradient(setting, state.values, batch, step);
    const updated = setting.optimizer.update(state.values, gradient, state.slots, rate, step);
    const average = moveAverage(state.average, updated.values, decay);
    return { next: { ...updated, average }, loss: value };
  });
  tf.dispose([state.values, state.average, ...state.slots]);
  const figure = loss.dataSync()[0]!;
  loss.dispose();
  return { state: next, loss: figure };
}
