/** Figures of networks computed in float64 by another program (PyTorch): reading them, and computing the same here. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inputGradients } from '../../../stages/numerics/gradients/input-gradients.ts';
import { logSoftmax } from '../../../stages/numerics/gradients/log-softmax.ts';
import { lossGradients } from '../../../stages/numerics/gradients/loss-gradients.ts';
import { alignmentLoss, cosine } from '../../../stages/numerics/losses/alignment.ts';
import { crossEntropy } from '../../../stages/numerics/losses/cross-entropy.ts';
import type { Classifier, TrainingPass } from '../../../stages/numerics/networks/network.ts';
import type { ParameterSpec, Parameters } from '../../../stages/numerics/tensor/parameters.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { fileShape } from '../../../store/model-files.ts';
import { readTensors, type Tensor } from '../../../store/tensor-file.ts';
import { fromTorch } from '../../../store/torch-layout.ts';

const FOLDER = fileURLToPath(new URL('../../../../shared/reference/golden/', import.meta.url));
const CLASSES = 10;
const LAMBDA = 0.7;

/** Why golden tests are skipped here, or false. */
export const goldenMissing = existsSync(FOLDER) ? false : `no reference tensors at ${FOLDER}`;

/** Tensors by name, as PyTorch lays them out. */
export type TorchTensors = Record<string, Tensor>;

/** Tensors of a file by group: `in`, `w` (weights), `out`, `grad` (by the weights, and `__x`), `after` (statistics). */
export type Golden = Record<string, TorchTensors>;

/** Groups of a file whose tensors are named `group.name`. */
export async function readGroups(path: string): Promise<Golden> {
  const { tensors } = await readTensors(path);
  const groups: Golden = {};
  for (const [key, tensor] of Object.entries(tensors)) {
    const [, group, rest] = /^(\w+)\.(.*)$/.exec(key)!;
    groups[group!] ??= {};
    groups[group!]![rest!] = tensor;
  }
  return groups;
}

export const readGolden = (name: string) => readGroups(`${FOLDER}golden_${name}.safetensors`);

const floats = ({ data }: Tensor) => Float32Array.from(data as ArrayLike<number>);

/** Classes, noise levels and results: the same numbers in the same order. */
export const plain = (tensor: Tensor) => tf.tensor(floats(tensor), tensor.shape, 'float32');

/** Images [..., channels, height, width], channels last. */
export function images(tensor: Tensor): tf.Tensor {
  const rank = tensor.shape.length;
  const outer = Array.from({ length: rank - 3 }, (_, axis) => axis);
  return tf.transpose(plain(tensor), [...outer, rank - 2, rank - 1, rank - 3]);
}

/** One value per parameter, in our layout; what PyTorch calls otherwise or shapes otherwise throws. */
export function valuesOf(specs: readonly ParameterSpec[], tensors: TorchTensors): Parameters {
  const entries = specs.map((spec) => {
    const found = tensors[spec.name];
    if (found?.shape.join() !== fileShape(spec).join()) {
      throw new Error(
        `${spec.name}: expected shape [${fileShape(spec)}], found ${found?.shape ?? 'no such tensor'}`,
      );
    }
    const values = spec.torch ? fromTorch(floats(found), spec.torch) : floats(found);
    return [spec.name, tf.tensor(values, spec.shape)] as const;
  });
  return Object.fromEntries(entries);
}

/** A training pass without dropout. */
export function trainingPass(): TrainingPass {
  return {
    statistics: new Map(),
    dropoutMask: () => {
      throw new Error('no golden network has dropout');
    },
  };
}

export interface Computed {
  logits: tf.Tensor;
  /** T times [batch, h, w, c]. */
  inputGradients: tf.Tensor[];
  loss: tf.Tensor;
  /** Of the loss by x. */
  byInput: tf.Tensor;
  /** Of the loss by each parameter, in the network's order. */
  byParameter: tf.Tensor[];
}

const oneHot = (classes: tf.Tensor) => tf.oneHot(tf.cast(classes, 'int32'), CLASSES) as tf.Tensor2D;

/**
 * What the files hold, computed by a network of ours: mean CE + λ mean_i Σ_k (1 − cos of input gradient and target).
 *
 * @param training left out for evaluation
 */
export function compute(
  network: Classifier,
  { w, in: inputs }: Golden,
  gradientOf: 'logit' | 'log-softmax' = 'logit',
  training?: TrainingPass,
): Computed {
  const values = valuesOf([...network.parameters, ...network.buffers], w!);
  const parameters = network.parameters.map(({ name }) => values[name]!);
  const x = images(inputs!.x!);
  const labels = tf.cast(oneHot(plain(inputs!.y!)), 'float32') as tf.Tensor2D;
  const cotangents = tf
    .unstack(plain(inputs!.target_class!), 1)
    .map((classes) => tf.cast(oneHot(classes), 'float32') as tf.Tensor2D);
  const targets = tf.unstack(images(inputs!.g!), 1);
  const flat = (image: tf.Tensor) => tf.reshape(image, [image.shape[0]!, -1]) as tf.Tensor2D;
  const kept: tf.Tensor[] = [];
  const loss = () => {
    const logits = network.logits(values, x, training);
    for (const statistic of training?.statistics.values() ?? []) tf.keep(statistic);
    const output = gradientOf === 'logit' ? logits : logSoftmax(logits);
    const gradients = inputGradients(output, x, cotangents);
    for (const tensor of [logits, ...gradients]) kept.push(tf.keep(tf.clone(tensor)));
    const cosines = gradients.map((gradient, k) => cosine(flat(gradient), flat(targets[k]!)));
    const penalty = tf.mul(alignmentLoss(cosines), LAMBDA);
    return tf.mean(tf.add(crossEntropy(logits, labels), penalty)) as tf.Scalar;
  };
  const { value, gradients } = lossGradients(loss, [x, ...parameters]);
  const [logits, ...ofInput] = kept;
  const [byInput, ...byParameter] = gradients;
  return { logits: logits!, inputGradients: ofInput, loss: value, byInput: byInput!, byParameter };
}
