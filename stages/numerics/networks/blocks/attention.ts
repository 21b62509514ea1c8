/** Self-attention over the positions of an image, one head, with a residual connection. */
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import { convolutionParameters, convolve } from './convolution.ts';
import { normalizeGroups } from './group-norm.ts';
import { selfAttention } from './multi-head-attention.ts';
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
  const qkv = convolve(
    values,
    `${name}.qkv`,
    normalizeGroups(values, `${name}.norm`, x, groups, undefined, {}),
  );
  const mixed = selfAttention(qkv, 1);
  return tf.add(x, convolve(values, `${name}.proj`, mixed));
}
