/** Group norm of images, PyTorch's `nn.GroupNorm` (Wu and He 2018). */
import { type Modulation, modulatedGroupNorm, groupNorm as normalize } from '../../gradients/group-norm.ts';
import type { Parameters } from '../../tensor/parameters.ts';
import type { tf } from '../../tensor/tf.ts';
import type { Layer } from './layer.ts';
import { scaleAndShift } from './scale-and-shift.ts';

/** PyTorch's default. */
const EPSILON = 1e-5;

/**
 * x: [batch, h, w, c] -> the same shape; the groups divide c.
 *
 * @param epsilon added to the biased variance; PyTorch's default
 * @param modulation what stands around the norm; given, if only as `{}`, the norm is faster where nothing is differentiated
 */
export function normalizeGroups(
  values: Parameters,
  name: string,
  x: tf.Tensor,
  groups: number,
  epsilon = EPSILON,
  modulation?: Modulation,
): tf.Tensor4D {
  const image = x as tf.Tensor4D;
  const weight = values[`${name}.weight`] as tf.Tensor1D;
  const bias = values[`${name}.bias`] as tf.Tensor1D;
  if (modulation === undefined) return normalize(image, weight, bias, groups, epsilon);
  return modulatedGroupNorm(image, weight, bias, { groups, epsilon }, modulation);
}

/** {@link normalizeGroups} as a layer. */
export function groupNorm(name: string, channels: number, groups: number): Layer {
  return {
    parameters: scaleAndShift(name, channels),
    buffers: [],
    apply: (values, x) => normalizeGroups(values, name, x, groups),
  };
}
