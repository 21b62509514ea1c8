/** elu and selu: an exponential below zero, a line above. */
import { runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { registerPointwise } from './pointwise.ts';

/** Klambauer et al. 2017, scale · alpha. */
const SELU_SCALE_ALPHA = 1.0507009873554805 * 1.6732632423543772;

/** p · exp(x) where x < 0, else 0; the exponent is held at 0 so that no infinity meets the zero. */
function exponentialBelowZero(p: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return tf.where(tf.less(x, 0), tf.mul(p, tf.exp(tf.minimum(x, 0))), tf.zerosLike(p));
}

export function registerElu(): void {
  registerPointwise({
    kernel: 'Elu',
    value: tf.elu,
    slope: (dy, _x, y) => runFloatKernel('EluGrad', [dy, y]),
    curvature: (p, x) => exponentialBelowZero(p, x),
  });
  registerPointwise({
    kernel: 'Selu',
    value: tf.selu,
    slope: (dy, _x, y) => runFloatKernel('SeluGrad', [dy, y]),
    curvature: (p, x) => tf.mul(exponentialBelowZero(p, x), SELU_SCALE_ALPHA),
  });
}
