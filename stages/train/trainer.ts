/** One training step: forward once, every term of the loss back to that pass, then the pass itself, then the update. */
import type { TrainConfig } from '../../schemas/train-config.ts';
import { sharedLossGradients } from '../numerics/gradients/loss-gradients.ts';
import { crossEntropy } from '../numerics/losses/cross-entropy.ts';
import type { Classifier, TrainingPass } from '../numerics/networks/network.ts';
import { clipByNorm } from '../numerics/optimizers/clip-by-norm.ts';
import type { Optimizer } from '../numerics/optimizers/optimizer.ts';
import { averageDecay, moveAverage } from '../numerics/optimizers/weight-average.ts';
import {
  joinGradients,
  nameParameters,
  type Parameters,
  sizeOf,
  splitParameters,
} from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TrainBatch } from './batches.ts';
import type { ForwardPass, StepBatch, TrainingMethod } from './methods/method.ts';

/** PyTorch's share of the batch's statistics in the running ones. */
const STATISTICS_MOMENTUM = 0.1;

/** Flat vectors. */
export interface TrainState {
  /** [parameters] */
  values: tf.Tensor1D;
  /** Running statistics, [buffers]. */
  buffers: tf.Tensor1D;
  /** Of the optimiser, [parameters] each. */
  slots: tf.Tensor1D[];
  /** Running average, [parameters + buffers]; undefined where none is kept. */
  average: tf.Tensor1D | undefined;
}

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

/** What a step needs besides state and batch. */
export interface TrainSetting {
  network: Classifier;
  method: TrainingMethod;
  shape: readonly number[];
  classes: number;
  box: readonly [number, number] | null;
  config: TrainConfig;
  optimizer: Optimizer;
}

/** What changes from step to step by a schedule. */
export interface StepSchedule {
  lambda: number;
  learningRate: number;
  /** Counted from 1. */
  step: number;
}

/** What a part of a batch gives: gradient of its share of the loss, sums of figures, new running statistics. */
interface PartResult {
  gradient: tf.Tensor1D;
  /** Cross entropy, hits, penalty, cosine. */
  sums: tf.Tensor1D;
  buffers: tf.Tensor1D;
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

function toTensors({ shape, classes, box, config }: TrainSetting, part: TrainBatch, step: number): StepBatch {
  const count = part.labels.length;
  const oneHot = (indices: Uint8Array) => tf.oneHot(Array.from(indices), classes) as tf.Tensor2D;
  return {
    x: tf.tensor(part.x, [count, ...shape]),
    labels: part.labels,
    oneHot: oneHot(part.labels),
    targets: part.targets.map((target) => ({
      oneHot: oneHot(target.classes),
      gradient: tf.tensor(target.gradient, [count, ...shape]),
    })),
    box,
    randomOf: (position) => randomStream(config.seed ?? 0, 'train-method', step, part.images[position]!),
  };
}

/** A pass whose masks depend on (seed, step, image, place in the network) alone. */
function beginPass({ config }: TrainSetting, images: Uint32Array, step: number): TrainingPass {
  let masks = 0;
  return {
    statistics: new Map(),
    dropoutMask(shape, rate) {
      const place = masks++;
      const size = sizeOf(shape.slice(1));
      const values = new Float32Array(images.length * size);
      images.forEach((image, i) => {
        const random = randomStream(config.seed ?? 0, 'train-dropout', step, image, place);
        for (let j = i * size; j < (i + 1) * size; j++) {
          values[j] = random.uniform() < rate ? 0 : 1 / (1 - rate);
        }
      });
      return tf.tensor(values, [...shape]);
    },
  };
}

/** Running statistics after a pass. Only a network without batch norm leaves them as they are. */
function followStatistics(network: Classifier, buffers: tf.Tensor1D, pass: TrainingPass): tf.Tensor1D {
  if (network.buffers.length === 0) return tf.clone(buffers);
  const ofBatch = joinGradients(network.buffers.map(({ name }) => pass.statistics.get(name)!));
  return tf.add(tf.mul(buffers, 1 - STATISTICS_MOMENTUM), tf.mul(ofBatch, STATISTICS_MOMENTUM));
}

/** @param of images in the whole batch, over which the loss is averaged */
function stepOnPart(
  setting: TrainSetting,
  state: TrainState,
  part: TrainBatch,
  { lambda, step }: StepSchedule,
  of: number,
): PartResult {
  return tf.tidy(() => {
    const { network, method } = setting;
    const trained = splitParameters(network.parameters, state.values);
    const values: Parameters = {
      ...nameParameters(network.parameters, trained),
      ...nameParameters(network.buffers, splitParameters(network.buffers, state.buffers)),
    };
    const batch = toTensors(setting, part, step);
    const x = method.inputs?.(batch, (images) => network.logits(values, images)) ?? batch.x;
    const penalties = lambda === 0 ? [] : (method.penalties?.(batch) ?? []);
    const sums = new Sums();
    let buffers: tf.Tensor1D | undefined;
    const forward = (): ForwardPass => {
      const training = beginPass(setting, part.images, step);
      const logits = network.logits(values, x, training);
      buffers = tf.keep(followStatistics(network, state.buffers, training));
      sums.add('correct', countHits(logits, part.labels));
      const again = (points: tf.Tensor) =>
        network.logits(values, points, beginPass(setting, part.images, step));
      return { x, logits, crossEntropy: crossEntropy(logits, batch.oneHot), again };
    };
    const entropyTerm = (pass: ForwardPass) => {
      const sum = tf.sum(method.loss?.(batch, pass) ?? pass.crossEntropy);
      sums.add('crossEntropy', sum);
      return tf.div(sum, of) as tf.Scalar;
    };
    const terms = penalties.map((term) => (pass: ForwardPass) => {
      const { penalty, cosine } = term(pass);
      const sum = tf.sum(penalty);
      sums.add('penalty', sum);
      if (cosine) sums.add('cosine', tf.sum(cosine));
      return tf.mul(sum, lambda / of) as tf.Scalar;
    });
    const { gradients } = sharedLossGradients(forward, [entropyTerm, ...terms], trained);
    const taken = tf.clone(buffers!);
    buffers!.dispose();
    return { gradient: joinGradients(gradients), sums: sums.take(), buffers: taken };
  });
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

function countHits(logits: tf.Tensor2D, labels: Uint8Array): tf.Tensor {
  return tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.tensor1d(Array.from(labels), 'int32')), 'float32'));
}

const SUMMED = ['crossEntropy', 'correct', 'penalty', 'cosine'] as const;

/** Sums that are gathered inside a differentiated function, from which `keep` carries them out. */
class Sums {
  private readonly found: { name: (typeof SUMMED)[number]; value: tf.Tensor }[] = [];

  add(name: (typeof SUMMED)[number], value: tf.Tensor): void {
    this.found.push({ name, value: tf.keep(value) });
  }

  /** [4], in the order of {@link SUMMED}. */
  take(): tf.Tensor1D {
    const totals = SUMMED.map((name) => {
      const values = this.found.filter((entry) => entry.name === name).map(({ value }) => value);
      return values.length === 0 ? tf.scalar(0) : tf.addN(values);
    });
    const stacked = tf.stack(totals) as tf.Tensor1D;
    tf.dispose(this.found.map(({ value }) => value));
    return stacked;
  }
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
