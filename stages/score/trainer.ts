/** One step of score training, and the state that it carries. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { denoise } from '../numerics/diffusion/denoise.ts';
import type { Preconditioning } from '../numerics/diffusion/preconditioning/preconditioning.ts';
import { lossGradients } from '../numerics/gradients/loss-gradients.ts';
import { scoreMatching } from '../numerics/losses/score-matching.ts';
import type { ScoreNetwork } from '../numerics/networks/network.ts';
import { makeOptimizer } from '../numerics/optimizers/registry.ts';
import { averageDecay, moveAverage } from '../numerics/optimizers/weight-average.ts';
import { joinGradients, nameParameters, splitParameters } from '../numerics/tensor/parameters.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { ScoreBatch } from './batches.ts';

/** Flat vectors, [parameters] each. */
export interface ScoreState {
  values: tf.Tensor1D;
  slots: tf.Tensor1D[];
  /** Running average of the values; the model that is kept. */
  average: tf.Tensor1D;
}

/** Adam as EDM uses it. */
export function scoreOptimizer(learningRate: number) {
  return makeOptimizer({
    kind: 'adam',
    learningRate,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
  });
}

function lossAndGradient(
  network: ScoreNetwork,
  state: ScoreState,
  batch: ScoreBatch,
  shape: readonly number[],
  preconditioning: Preconditioning,
): { value: tf.Scalar; gradient: tf.Tensor1D } {
  const count = batch.sigma.length;
  const clean = tf.tensor(batch.clean, [count, ...shape]);
  const noisy = tf.tensor(batch.noisy, [count, ...shape]);
  const oneHot = tf.tensor2d(batch.oneHot, [count, batch.oneHot.length / count]);
  const tensors = splitParameters(network.parameters, state.values);
  const { value, gradients } = lossGradients(() => {
    const parameters = nameParameters(network.parameters, tensors);
    const denoised = denoise({ network, parameters, preconditioning }, noisy, batch.sigma, oneHot);
    return tf.mean(scoreMatching(denoised, clean, batch.sigma, preconditioning)) as tf.Scalar;
  }, tensors);
  return { value, gradient: joinGradients(gradients) };
}

/**
 * One step. Disposes the old state.
 *
 * @param step counted from 1
 * @returns the new state and the loss, averaged over images and pixels
 */
export function scoreStep(
  network: ScoreNetwork,
  state: ScoreState,
  batch: ScoreBatch,
  shape: readonly number[],
  config: ExperimentConfig['score'],
  preconditioning: Preconditioning,
  step: number,
): { state: ScoreState; loss: number } {
  const rate = config.learningRate * Math.min(1, step / Math.max(1, config.warmupSteps));
  const decay = averageDecay(config.batchSize, config.emaHalfLifeImages, step);
  const { next, loss } = tf.tidy(() => {
    const { value, gradient } = lossAndGradient(network, state, batch, shape, preconditioning);
    const updated = scoreOptimizer(rate).update(state.values, gradient, state.slots, rate, step);
    const average = moveAverage(state.average, updated.values, decay);
    return { next: { ...updated, average }, loss: value };
  });
  tf.dispose([state.values, state.average, ...state.slots]);
  const figure = loss.dataSync()[0]!;
  loss.dispose();
  return { state: next, loss: figure };
}
