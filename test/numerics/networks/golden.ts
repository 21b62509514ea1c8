/** Figures of networks computed in float64 by another program (PyTorch): reading them, and computing the same here. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inputGradients } from '../../../stages/numerics/gradients/input-gradients.ts';
import { logSoftmax } from '../../../stages/numerics/gradients/log-softmax.ts';
import { lossGradients } from '../../../stages/numerics/gradients/loss-gradients.ts';
import { alignmentLoss, cosine } from '../../../stages/numerics/losses/alignment.ts';
import { crossEntropy } from '../../../stages/numerics/losses/cross-entropy.ts';
import type { Classifier, TrainingPass } from '../../../stages/numerics/networks/network.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { tf } from '../../support/engine.ts';
import { relativeError } from '../../support/hessian-vector.ts';
import { images, plain, type TorchTensors, valuesOf } from '../../support/torch-tensors.ts';

const FOLDER = fileURLToPath(new URL('../../../../shared/reference/golden/', import.meta.url));
const CLASSES = 10;
const LAMBDA = 0.7;
/** A gradient that is smaller than this is compared with it. */
const SMALLEST = 1e-5;
/** A gradient that is 0 but for rounding, as of a bias in front of a batch norm, is compared with the first number. */
const [INSTEAD_OF_ZERO, ZERO] = [1e-2, 1e-12];
/** PyTorch's share of the new statistics in its running ones. */
const MOMENTUM = 0.1;

/** Why golden tests are skipped here, or false. */
export const goldenMissing = existsSync(FOLDER) ? false : `no reference tensors at ${FOLDER}`;

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

/** Classes [batch] as [batch, classes]. */
export const oneHot = (classes: tf.Tensor) =>
  tf.cast(tf.oneHot(tf.cast(classes, 'int32'), CLASSES), 'float32') as tf.Tensor2D;

/** Target gradients, T times [batch, h, w, c]: those of the file, or the images k + 1 places behind. */
function targetsOf({ g, x, target_class: classes }: TorchTensors): tf.Tensor[] {
  if (g !== undefined) return tf.unstack(images(g), 1);
  const rows = tf.unstack(images(x!));
  const turned = (by: number) => tf.stack(rows.map((_, i) => rows[(i + by) % rows.length]!));
  return Array.from({ length: classes!.shape[1]! }, (_, k) => turned(k + 1));
}

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
  const labels = oneHot(plain(inputs!.y!));
  const cotangents = tf.unstack(plain(inputs!.target_class!), 1).map(oneHot);
  const targets = targetsOf(inputs!);
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

/** Relative error of the gradient by each parameter that is in the group, by its name. */
export function parameterErrors(
  { parameters }: Classifier,
  found: readonly tf.Tensor[],
  group: TorchTensors,
): Record<string, number> {
  const errors: Record<string, number> = {};
  parameters.forEach((spec, i) => {
    if (!(spec.name in group)) return;
    const expected = valuesOf([spec], group)[spec.name]!;
    const isZero = expected.dataSync().every((value) => Math.abs(value) < ZERO);
    errors[spec.name] = relativeError([found[i]!], [expected], isZero ? INSTEAD_OF_ZERO : SMALLEST);
  });
  return errors;
}

/** Relative errors of the running statistics behind a pass. */
export function statisticErrors(
  { buffers }: Classifier,
  { statistics }: TrainingPass,
  { w, after }: Golden,
): Record<string, number> {
  const [before, expected] = [valuesOf(buffers, w!), valuesOf(buffers, after!)];
  const errors = buffers.map(({ name }) => {
    const now = tf.add(tf.mul(before[name]!, 1 - MOMENTUM), tf.mul(statistics.get(name)!, MOMENTUM));
    return [`${name} after`, relativeError([now], [expected[name]!])];
  });
  return Object.fromEntries(errors) as Record<string, number>;
}

/** Relative error of everything that {@link compute} computes and the file holds. */
export function errorsOf(network: Classifier, found: Computed, golden: Golden): Record<string, number> {
  const { out, grad } = golden;
  const inputGradients = out!.input_grads === undefined ? [] : tf.unstack(images(out!.input_grads), 1);
  const errors = inputGradients.map((expected, k) => [
    `input gradient ${k}`,
    relativeError([found.inputGradients[k]!], [expected], SMALLEST),
  ]);
  return {
    logits: relativeError([found.logits], [plain(out!.logits!)]),
    loss: relativeError([found.loss], [plain(out!.loss!)]),
    ...(grad!.__x && { byInput: relativeError([found.byInput], [images(grad!.__x)], SMALLEST) }),
    ...(Object.fromEntries(errors) as Record<string, number>),
    ...parameterErrors(network, found.byParameter, grad!),
  };
}
