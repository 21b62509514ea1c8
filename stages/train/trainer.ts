/** One training step: forward once, walk the tape once per target, differentiate the whole, update. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { lossGradients } from '../numerics/gradients/loss-gradients.ts';
import { alignmentCosines, alignmentLoss } from '../numerics/losses/alignment.ts';
import { crossEntropy } from '../numerics/losses/cross-entropy.ts';
import type { Classifier } from '../numerics/networks/network.ts';
import { clipByNorm } from '../numerics/optimizers/clip-by-norm.ts';
import type { Optimizer } from '../numerics/optimizers/optimizer.ts';
import { joinGradients, nameParameters, splitParameters } from '../numerics/tensor/parameters.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TrainBatch } from './batches.ts';

/** Flat vectors, [parameters] each. */
export interface TrainState {
  values: tf.Tensor1D;
  slots: tf.Tensor1D[];
}

/** Figures of one step, sums over the images of its batch. */
export interface StepFigures {
  images: number;
  correct: number;
  crossEntropy: number;
  /** Σ over targets of 1 − cos. */
  alignment: number;
  /** Mean over targets of cos. */
  cosine: number;
  /** Norm of the gradient of the loss before clipping (of the step, not a sum). */
  gradientNorm: number;
}

/** What a step needs besides state and batch. */
export interface TrainSetting {
  network: Classifier;
  shape: readonly number[];
  classes: number;
  config: ExperimentConfig['train'];
  optimizer: Optimizer;
}

/** Per-image loss and its parts, each [batch]. */
interface Losses {
  total: tf.Tensor1D;
  crossEntropy: tf.Tensor1D;
  alignment: tf.Tensor1D;
  cosine: tf.Tensor1D;
  correct: tf.Tensor1D;
}

function losses(
  { network, shape, classes, config }: TrainSetting,
  tensors: readonly tf.Tensor[],
  batch: TrainBatch,
  lambda: number,
): Losses {
  const count = batch.labels.length;
  const oneHot = (indices: Uint8Array) => tf.oneHot(Array.from(indices), classes) as tf.Tensor2D;
  const x = tf.tensor(batch.x, [count, ...shape]);
  const logits = network.logits(nameParameters(network.parameters, tensors), x);
  const entropy = crossEntropy(logits, oneHot(batch.labels));
  const predicted = tf.argMax(logits, 1);
  const correct = tf.cast(tf.equal(predicted, tf.tensor1d(Array.from(batch.labels), 'int32')), 'float32');
  const parts = { crossEntropy: entropy, correct: correct as tf.Tensor1D };
  if (batch.targets.length === 0) {
    const none = tf.zeros([count]) as tf.Tensor1D;
    return { ...parts, total: entropy, alignment: none, cosine: none };
  }
  const targets = batch.targets.map((target) => ({
    oneHot: oneHot(target.classes),
    gradient: tf.tensor(target.gradient, [count, ...shape]),
  }));
  const cosines = alignmentCosines(logits, x, targets, config.gradientOf);
  const alignment = alignmentLoss(cosines);
  const cosine = tf.div(tf.addN(cosines), cosines.length) as tf.Tensor1D;
  return { ...parts, total: tf.add(entropy, tf.mul(alignment, lambda)), alignment, cosine };
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

/** Gradient of Σ loss / `of` over a part of the batch, and the sums of its figures [4]. */
function partGradient(
  setting: TrainSetting,
  values: tf.Tensor1D,
  part: TrainBatch,
  lambda: number,
  of: number,
): { gradient: tf.Tensor1D; sums: tf.Tensor1D } {
  return tf.tidy(() => {
    let sums: tf.Tensor1D | undefined;
    const tensors = splitParameters(setting.network.parameters, values);
    const { gradients } = lossGradients(() => {
      const { total, ...figures } = losses(setting, tensors, part, lambda);
      const { crossEntropy: entropy, alignment, cosine, correct } = figures;
      // `keep` carries the figures out of the differentiated scope.
      sums = tf.keep(tf.sum(tf.stack([entropy, alignment, cosine, correct]), 1) as tf.Tensor1D);
      return tf.div(tf.sum(total), of) as tf.Scalar;
    }, tensors);
    const figures = tf.clone(sums!);
    sums!.dispose();
    return { gradient: joinGradients(gradients), sums: figures };
  });
}

/**
 * One step on one batch. Disposes the old state.
 *
 * @param step counted from 1
 */
export function trainStep(
  setting: TrainSetting,
  state: TrainState,
  batch: TrainBatch,
  { lambda, learningRate, step }: { lambda: number; learningRate: number; step: number },
): { state: TrainState; figures: StepFigures } {
  const { config, optimizer } = setting;
  const count = batch.labels.length;
  const size = batch.x.length / count;
  const micro = config.microBatch ?? count;
  const { next, sums, norm } = tf.tidy(() => {
    const parts = [];
    for (let first = 0; first < count; first += micro) {
      const part = partOf(batch, first, Math.min(micro, count - first), size);
      parts.push(partGradient(setting, state.values, part, lambda, count));
    }
    const [gradient, norm] = clipByNorm(tf.addN(parts.map((part) => part.gradient)), config.clipNorm);
    const sums = tf.addN(parts.map((part) => part.sums));
    return { next: optimizer.update(state.values, gradient, state.slots, learningRate, step), sums, norm };
  });
  tf.dispose([state.values, ...state.slots]);
  const [entropy, alignment, cosine, correct] = sums.dataSync() as Float32Array;
  const gradientNorm = norm.dataSync()[0]!;
  tf.dispose([sums, norm]);
  return {
    state: next,
    figures: {
      images: count,
      correct: correct!,
      crossEntropy: entropy!,
      alignment: alignment!,
      cosine: cosine!,
      gradientNorm,
    },
  };
}
