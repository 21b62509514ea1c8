/** Self-attention over the positions of an image, one head, with a residual connection. */
import { softmax } from '../../gradients/softmax.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import { convolutionParameters, convolve } from './convolution.ts';
import { normalizeGroups } from './group-norm.ts';
import { scaleAndShift } from './scale-and-shift.ts';
import { ZERO_START } from './start.ts';

/** `qkv` is a 1×1 convolution to 3·channels; `proj` starts at zero. */
export function attentionParameters(name: string, channels: number): ParameterSpec[] {
  return [
    ...scaleAndShift(`${name}.norm`, channels),
    ...convolutionParameters(`${name}.qkv`, channels, 3 * channels, { kernel: 1 }),
    ...convolutionParameters(`${name}.proj`, channels, channels, { kernel: 1, start: ZERO_START }),
  ];
}

/** x: [batch, h, w, c] -> the same shape. Vaswani et al. 2017, eq. 1. */
export function attention(values: Parameters, name: string, x: tf.Tensor4D, groups: number): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  const qkv = convolve(values, `${name}.qkv`, normalizeGroups(values, `${name}.norm`, x, groups));
  const rows = tf.reshape(qkv, [-1, height * width, 3 * channels]);
  const [query, key, value] = tf.split(rows, 3, 2) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  const scores = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(channels));
  const mixed = tf.reshape(tf.matMul(softmax(scores), value), [-1, height, width, channels]);
  return tf.add(x, convolve(values, `${name}.proj`, mixed));
}
