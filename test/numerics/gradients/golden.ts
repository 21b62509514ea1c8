/** Alignment-loss gradients computed in float64 by another program (PyTorch), read from ../shared/reference. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inputGradients } from '../../../stages/numerics/gradients/input-gradients.ts';
import { logSoftmax } from '../../../stages/numerics/gradients/log-softmax.ts';
import { logSumExp } from '../../../stages/numerics/gradients/log-sum-exp.ts';
import { lossGradients } from '../../../stages/numerics/gradients/loss-gradients.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { readTensors, type Tensor } from '../../../store/tensor-file.ts';

const FOLDER = fileURLToPath(new URL('../../../../shared/reference/golden/', import.meta.url));
const CLASSES = 10;
const TARGETS = 4;
const LAMBDA = 0.7;

/** Why golden tests are skipped here, or false. */
export const goldenMissing = existsSync(FOLDER) ? false : `no reference tensors at ${FOLDER}`;

/** Weights by PyTorch's names, images NHWC, convolutions HWIO. */
export type Weights = Record<string, tf.Tensor>;
/** A network of this test: x [batch, h, w, c] and other inputs -> logits [batch, 10]. */
export type GoldenNetwork = (weights: Weights, x: tf.Tensor, inputs: Weights) => tf.Tensor2D;

/** PyTorch's layout to ours: channels last, filters as [height, width, in, out]. */
function toTensor(name: string, { shape, data }: Tensor): tf.Tensor {
  const tensor = tf.tensor(Float32Array.from(data as ArrayLike<number>), shape, 'float32');
  if (shape.length === 5) return tf.transpose(tensor, [0, 1, 3, 4, 2]);
  if (shape.length !== 4) return tensor;
  return tf.transpose(tensor, /^(in|grad)\.(__)?x$/.test(name) ? [0, 2, 3, 1] : [2, 3, 1, 0]);
}

/** Tensors of a file by group: `in`, `w`, `out`, `grad`, `after`. */
export async function readGolden(name: string): Promise<Record<string, Weights>> {
  const { tensors } = await readTensors(`${FOLDER}golden_${name}.safetensors`);
  const groups: Record<string, Weights> = {};
  for (const [key, tensor] of Object.entries(tensors)) {
    const [, group, rest] = /^(\w+)\.(.*)$/.exec(key)!;
    groups[group!] ??= {};
    groups[group!]![rest!] = toTensor(key, tensor);
  }
  return groups;
}

/** u·v / max(|u||v|, 1e-8) of each image. */
function cosine(u: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const flat = (t: tf.Tensor) => tf.reshape(t, [t.shape[0]!, -1]);
  const dot = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(flat(a), flat(b)), 1);
  return tf.div(dot(u, v), tf.maximum(tf.sqrt(tf.mul(dot(u, u), dot(v, v))), 1e-8));
}

/** mean CE + λ mean_i Σ_k (1 - cos), as the goldens define it. */
function alignmentLoss(
  logits: tf.Tensor2D,
  x: tf.Tensor,
  inputs: Weights,
  gradientOf: 'logit' | 'log-softmax',
): tf.Scalar {
  const oneHot = (classes: tf.Tensor) => tf.oneHot(tf.cast(classes, 'int32'), CLASSES) as tf.Tensor2D;
  const ce = tf.sub(logSumExp(logits), tf.sum(tf.mul(logits, tf.cast(oneHot(inputs.y!), 'float32')), 1));
  const outputs = gradientOf === 'logit' ? logits : logSoftmax(logits);
  const columns = tf.unstack(inputs.target_class!, 1);
  const cotangents = columns.map((column) => tf.cast(oneHot(column), 'float32') as tf.Tensor2D);
  const gradients = inputGradients(outputs, x, cotangents);
  const targets = tf.unstack(inputs.g!, 1);
  const cosines = gradients.map((gradient, k) => cosine(gradient, targets[k]!));
  return tf.mean(tf.add(ce, tf.mul(tf.sub(TARGETS, tf.addN(cosines)), LAMBDA))) as tf.Scalar;
}

/** Loss and its gradients by x (`__x`) and by every weight that has a golden gradient. */
export function goldenGradients(
  network: GoldenNetwork,
  golden: Record<string, Weights>,
  gradientOf: 'logit' | 'log-softmax' = 'logit',
): { loss: tf.Tensor; gradients: Weights } {
  const names = Object.keys(golden.grad!).filter((name) => name !== '__x');
  const x = golden.in!.x!;
  const { value, gradients } = lossGradients(
    () => alignmentLoss(network(golden.w!, x, golden.in!), x, golden.in!, gradientOf),
    [x, ...names.map((name) => golden.w![name]!)],
  );
  return {
    loss: value,
    gradients: Object.fromEntries(['__x', ...names].map((name, i) => [name, gradients[i]!])),
  };
}
