/** Layer norm over the last axis, PyTorch's `nn.LayerNorm` (Ba et al. 2016). */
import { layerNorm as normalize } from '../../gradients/layer-norm.ts';
import type { tf } from '../../tensor/tf.ts';
import type { Layer } from './layer.ts';
import { scaleAndShift } from './scale-and-shift.ts';

/**
 * [..., width] -> the same shape.
 *
 * @param epsilon added to the biased variance
 * @param flattened as in {@link scaleAndShift}
 */
export function layerNorm(
  name: string,
  width: number,
  epsilon: number,
  flattened?: readonly number[],
): Layer {
  return {
    parameters: scaleAndShift(name, width, flattened),
    buffers: [],
    apply(values, x) {
      const weight = values[`${name}.weight`] as tf.Tensor1D;
      return normalize(x, weight, values[`${name}.bias`] as tf.Tensor1D, epsilon);
    },
  };
}
