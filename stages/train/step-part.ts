/** The part of a step that goes through the network at a time: the loss of some images, and its gradient. */
import { sharedLossGradients } from '../numerics/gradients/loss-gradients.ts';
import { crossEntropy } from '../numerics/losses/cross-entropy.ts';
import {
  joinGradients,
  nameParameters,
  type Parameters,
  splitParameters,
} from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TrainBatch } from './batches.ts';
import type { ForwardPass, StepBatch } from './methods/method.ts';
import type { StepSchedule, TrainSetting, TrainState } from './setting.ts';
import { StepSums } from './step-sums.ts';
import { beginPass, followStatistics } from './training-pass.ts';

/** What a part of a batch gives: gradient of its share of the loss, sums of figures, new running statistics. */
export interface PartResult {
  gradient: tf.Tensor1D;
  /** Cross entropy, hits, penalty, cosine. */
  sums: tf.Tensor1D;
  buffers: tf.Tensor1D;
}

function toTensors({ shape, classes, box, config }: TrainSetting, part: TrainBatch, step: number): StepBatch {
  const count = part.labels.length;
  const oneHot = (indices: Uint16Array) => tf.oneHot(Array.from(indices), classes) as tf.Tensor2D;
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

/** @param of images in the whole batch, over which the loss is averaged */
export function stepOnPart(
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
    const sums = new StepSums();
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

function countHits(logits: tf.Tensor2D, labels: Uint16Array): tf.Tensor {
  return tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.tensor1d(Array.from(labels), 'int32')), 'float32'));
}
