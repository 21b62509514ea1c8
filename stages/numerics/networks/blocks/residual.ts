/**
 * Residual block of score U-Nets (Ho et al. 2020): GroupNorm, SiLU, convolution, twice, with the embedding of
 * noise and class added between. The second convolution starts at zero, so that the block starts as identity.
 */
import { groupNorm } from '../../gradients/group-norm.ts';
import { silu } from '../../gradients/silu.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import { convolution, convolutionParameters } from './convolution.ts';
import { dense, denseParameters } from './dense.ts';

const EPSILON = 1e-5;

/** `weight` = 1 and `bias` = 0, [channels] each. */
export function normParameters(name: string, channels: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [channels], initializer: { kind: 'constant', value: 1 } },
    { name: `${name}.bias`, shape: [channels], initializer: { kind: 'constant', value: 0 } },
  ];
}

/** x: [batch, h, w, c] -> the same shape. */
export function norm(values: Parameters, name: string, x: tf.Tensor, groups: number): tf.Tensor4D {
  const weight = values[`${name}.weight`] as tf.Tensor1D;
  const bias = values[`${name}.bias`] as tf.Tensor1D;
  return groupNorm(x as tf.Tensor4D, weight, bias, groups, EPSILON);
}

/** Parameters of {@link residual}; a 1×1 `skip` where the number of channels changes. */
export function residualParameters(
  name: string,
  inputs: number,
  outputs: number,
  embedding: number,
): ParameterSpec[] {
  return [
    ...normParameters(`${name}.norm1`, inputs),
    ...convolutionParameters(`${name}.conv1`, inputs, outputs, 3),
    ...denseParameters(`${name}.emb`, embedding, outputs),
    ...normParameters(`${name}.norm2`, outputs),
    ...convolutionParameters(`${name}.conv2`, outputs, outputs, 3, 0),
    ...(inputs === outputs ? [] : convolutionParameters(`${name}.skip`, inputs, outputs, 1)),
  ];
}

/** x: [batch, h, w, inputs], embedding: [batch, width] -> [batch, h, w, outputs]. */
export function residual(
  values: Parameters,
  name: string,
  x: tf.Tensor,
  embedding: tf.Tensor,
  groups: number,
): tf.Tensor4D {
  let h = convolution(values, `${name}.conv1`, silu(norm(values, `${name}.norm1`, x, groups)));
  const shift = dense(values, `${name}.emb`, embedding);
  h = tf.add(h, tf.reshape(shift, [-1, 1, 1, shift.shape[1]]));
  h = convolution(values, `${name}.conv2`, silu(norm(values, `${name}.norm2`, h, groups)));
  const skip = `${name}.skip.weight` in values ? convolution(values, `${name}.skip`, x) : x;
  return tf.add(skip, h);
}
