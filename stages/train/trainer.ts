/** One training step: the gradient, part by part of the batch, then the update. */
import type { TrainConfig } from '../../schemas/train-config.ts';
import { clipByNorm } from '../numerics/optimizers/clip-by-norm.ts';
import { averageDecay, moveAverage } from '../numerics/optimizers/weight-average.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TrainBatch } from './batches.ts';
import type { StepSchedule, TrainSetting, TrainState } from './setting.ts';
import { type PartResult, stepOnPart } from './step-part.ts';

/** Figures of one step, sums over the images of its batch. */
export interface StepFigures {
  images: number;
  correct: number;
  crossEntropy: number;
  /** Before λ. */
  penalty: number;
  /** Mean over targets of cos. */
  cosine: number;
  /** Images whose cosine was taken. */
  compared: number;
  /** Norm of the gradient of the loss before clipping (of the step, not a sum). */
  gradientNorm: number;
}

/** Images `first` … of a batch. */
function partOf(batch: TrainBatch, first: number, count: number, size: number): TrainBatch {
  const end = first + count;
  return {
    images: batch.images.subarray(first, end),
    labels: batch.labels.subarray(first, end),
    x: batch.x.subarray(first * size, end * size),
    targets: batch.targets.map(({ classes, gradient }) => ({
      classes: classes.subarray(first, end),
      gradient: gradient.subarray(first * size, end * size),
    })),
  };
}

/**
 * The average after a step. Running statistics are averaged like the weights: those of the last weights alone would
 * not fit activations that averaged weights make, and exact ones would cost another pass over the data.
 */
function followAverage(
  { ema, batchSize }: TrainConfig,
  average: tf.Tensor1D | undefined,
  { values, buffers }: Pick<TrainState, 'values' | 'buffers'>,
  step: number,
): tf.Tensor1D | undefined {
  if (ema === undefined || average === undefined) return undefined;
  const decay = averageDecay(batchSize, ema.halfLifeImages, step);
  return moveAverage(average, tf.concat1d([values, buffers]), decay);
}

/** One step on one batch. Disposes the old state. */
export function trainStep(
  setting: TrainSetting,
  state: TrainState,
  batch: TrainBatch,
  schedule: StepSchedule,
): { state: TrainState; figures: StepFigures } {
  const { config, optimizer } = setting;
  const count = batch.labels.length;
  const size = batch.x.length / count;
  const micro = config.microBatch ?? count;
  const { next, sums, norm } = tf.tidy(() => {
    const parts: PartResult[] = [];
    for (let first = 0; first < count; first += micro) {
      const part = partOf(batch, first, Math.min(micro, count - first), size);
      parts.push(stepOnPart(setting, state, part, schedule, count));
    }
    const [gradient, norm] = clipByNorm(tf.addN(parts.map((part) => part.gradient)), config.clipNorm);
    const sums = tf.addN(parts.map((part) => part.sums));
    const { learningRate, step } = schedule;
    const updated = optimizer.update(state.values, gradient, state.slots, learningRate, step);
    const followed = { ...updated, buffers: parts.at(-1)!.buffers };
    return {
      next: { ...followed, average: followAverage(config, state.average, followed, step) },
      sums,
      norm,
    };
  });
  tf.dispose([state.values, state.buffers, state.average, ...state.slots]);
  const [entropy, correct, penalty, cosine] = sums.dataSync() as Float32Array;
  const gradientNorm = norm.dataSync()[0]!;
  tf.dispose([sums, norm]);
  const compared = batch.targets.length > 0 && schedule.lambda > 0 ? count : 0;
  return {
    state: next,
    figures: {
      images: count,
      correct: correct!,
      crossEntropy: entropy!,
      penalty: penalty!,
      cosine: cosine!,
      compared,
      gradientNorm,
    },
  };
}
