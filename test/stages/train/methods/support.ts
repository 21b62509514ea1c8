/** One training step under any method, on networks whose loss is known in closed form or smooth. */

import type { Classifier } from '../../../../stages/numerics/networks/network.ts';
import { makeClassifier } from '../../../../stages/numerics/networks/registry.ts';
import { initializeParameters } from '../../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../../stages/numerics/tensor/random.ts';
import type { TrainBatch } from '../../../../stages/train/batches.ts';
import type { StepBatch } from '../../../../stages/train/methods/method.ts';
import type { TrainSetting } from '../../../../stages/train/setting.ts';
import { settingOf as makeSetting } from '../../../../stages/train/setup.ts';
import { type StepFigures, trainStep } from '../../../../stages/train/trainer.ts';
import { tf } from '../../../support/engine.ts';
import { configOf } from '../../../support/stage-context.ts';

/** Length of an input, which is a vector here. */
export const LENGTH = 6;

const weight = (name: string, shape: number[]) => ({
  name,
  shape,
  initializer: { kind: 'constant' as const, value: 0 },
});

/** z = x W. */
export function linearNetwork(classes: number): Classifier {
  return {
    parameters: [weight('weight', [LENGTH, classes])],
    buffers: [],
    logits: (values, x) => tf.matMul(x as tf.Tensor2D, values.weight as tf.Tensor2D),
  };
}

/** z = tanh(x V) W: no kinks, so that differences of the loss are slopes. */
export function smoothNetwork(classes: number, hidden = 5): Classifier {
  return {
    parameters: [weight('first', [LENGTH, hidden]), weight('second', [hidden, classes])],
    buffers: [],
    logits: ({ first, second }, x) =>
      tf.matMul(tf.tanh(tf.matMul(x as tf.Tensor2D, first as tf.Tensor2D)), second as tf.Tensor2D),
  };
}

/** Batch norm and dropout: training and evaluation differ, and every image looks at the others. */
export function normNetwork(classes: number): Classifier {
  const layers = [
    { kind: 'conv', channels: 3 },
    'batch-norm',
    'tanh',
    { kind: 'dropout', rate: 0.3 },
    'flatten',
    'dense',
  ];
  const { network } = configOf({ train: { network: { kind: 'cnn', layers } } }).train;
  const classifier = makeClassifier(network, [3, 2, 1], classes);
  return {
    ...classifier,
    logits: (values, x, training) => classifier.logits(values, tf.reshape(x, [-1, 3, 2, 1]), training),
  };
}

/** Numbers in [-1, 1) that depend on the name alone. */
export function numbers(count: number, ...name: (string | number)[]): Float32Array {
  const random = randomStream(5, ...name);
  return Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);
}

/** Points with labels 0, 1, …, and two targets each. */
export function batchOf(count: number, classes: number): TrainBatch {
  const labels = Uint16Array.from({ length: count }, (_, i) => i % classes);
  return {
    images: Uint32Array.from({ length: count }, (_, i) => 100 + i),
    x: numbers(count * LENGTH, 'x'),
    labels,
    targets: [1, 2].map((k) => ({
      classes: labels.map((label) => (label + k) % classes),
      gradient: numbers(count * LENGTH, 'target', k),
    })),
  };
}

/** A setting whose step has length 1 along the gradient, so that the gradient is what the weights lose. */
export function settingOf(
  train: object,
  network: Classifier,
  classes: number,
  box: TrainSetting['box'] = null,
): TrainSetting {
  const optimizer = { kind: 'sgd', learningRate: 1, momentum: 0 };
  const config = configOf({ train: { seed: 3, optimizer, ...train } }).train;
  return makeSetting(config, network, [LENGTH], classes, box);
}

/** Figures of a step from these weights, and the gradient of the loss. */
export function step(
  setting: TrainSetting,
  weights: Float32Array,
  batch: TrainBatch,
  number = 1,
): { figures: StepFigures; loss: number; gradient: Float32Array } {
  const { lambda } = setting.config;
  const slots = Array.from(
    { length: setting.optimizer.slots },
    () => tf.zeros([weights.length]) as tf.Tensor1D,
  );
  // Running means 0 and variances 1.
  const buffers = tf.tensor1d(initializeParameters(setting.network.buffers, randomStream(0)), 'float32');
  const before = { values: tf.tensor1d(weights), buffers, slots, average: undefined };
  const schedule = { lambda, learningRate: 1, step: number };
  const { state, figures } = trainStep(setting, before, batch, schedule);
  const after = state.values.dataSync() as Float32Array;
  tf.dispose([state.values, state.buffers, ...state.slots]);
  return {
    figures,
    loss: (figures.crossEntropy + lambda * figures.penalty) / figures.images,
    gradient: weights.map((value, i) => value - after[i]!),
  };
}

/** What a method is handed for these images, without a network. */
export function stepBatchOf(
  images: number[],
  values: (image: number) => Float32Array,
  rest: { box?: StepBatch['box']; seed?: number; step?: number } = {},
): StepBatch {
  const x = tf.tensor2d(images.map((image) => Array.from(values(image))));
  return {
    x,
    labels: Uint16Array.from(images, () => 0),
    oneHot: tf.oneHot(
      images.map(() => 0),
      2,
    ) as tf.Tensor2D,
    targets: [],
    box: rest.box ?? null,
    randomOf: (i) => randomStream(rest.seed ?? 0, 'train-method', rest.step ?? 1, images[i]!),
  };
}

/** log(1 + e^−margin): the cross entropy of two classes whose logits are `margin` apart. */
export const entropyOfMargin = (margin: number) => Math.log1p(Math.exp(-margin));

/** Columns of W [LENGTH, classes]. */
export const columns = (weights: Float32Array, classes: number) =>
  Array.from({ length: classes }, (_, y) =>
    Array.from({ length: LENGTH }, (_, j) => weights[j * classes + y]!),
  );

export const dot = (u: ArrayLike<number>, v: ArrayLike<number>) =>
  Array.from(u).reduce((sum, value, i) => sum + value * v[i]!, 0);

/** Rows of a batch's images. */
export const rowsOf = (batch: TrainBatch) =>
  Array.from(batch.labels, (_, i) => batch.x.subarray(i * LENGTH, (i + 1) * LENGTH));
