/**
 * A linear map whose coefficients do not depend, almost everywhere, on the input: ReLU's mask, pooling, resizing,
 * broadcasting. Such a map and its adjoint are each other's gradient, to any order.
 */
import { tf } from '../tensor/tf.ts';

type Linear = (dy: tf.Tensor, constants: tf.Tensor[]) => tf.Tensor;
type Differentiable = (x: tf.Tensor, save: (tensors: tf.Tensor[]) => void) => CustomGradient;
interface CustomGradient {
  value: tf.Tensor;
  gradFunc: (v: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor;
}

/**
 * Applies a linear map to dy and records it, if a tape is active, as one node that depends on dy alone.
 * @param dy the tensor to map
 * @param constants computes the map's coefficients (masks, argmax …) off the tape: their derivative is zero
 * @param map dy -> map(dy); it may use any tf function or raw kernel
 * @param adjoint v -> adjoint(v), with <map(dy), v> = <dy, adjoint(v)>
 */
export function linearMap(
  dy: tf.Tensor,
  constants: () => tf.Tensor[],
  map: Linear,
  adjoint: Linear,
): tf.Tensor {
  if (!tf.engine().isTapeOn()) return tf.tidy(() => map(dy, constants()));
  const recorded: Differentiable = (x, save) => {
    const coefficients = constants();
    save(coefficients);
    return {
      value: map(x, coefficients),
      gradFunc: (v, saved) => linearMap(v, () => saved, adjoint, map),
    };
  };
  return tf.customGrad(recorded as Parameters<typeof tf.customGrad>[0])(dy);
}

/** A {@link linearMap} that is its own adjoint, such as multiplying by a mask. */
export function selfAdjoint(dy: tf.Tensor, constants: () => tf.Tensor[], map: Linear): tf.Tensor {
  return linearMap(dy, constants, map, map);
}
