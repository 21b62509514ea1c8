/** erf: f' = 2/√π exp(-x²), f'' = -2 x f'. */
import { tf } from '../tensor/tf.ts';
import { registerPointwise } from './pointwise.ts';

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

export function registerErf(): void {
  const bell = (x: tf.Tensor) => tf.mul(tf.exp(tf.neg(tf.square(x))), TWO_OVER_ROOT_PI);
  registerPointwise({
    kernel: 'Erf',
    value: tf.erf,
    slope: (dy, x) => tf.mul(dy, bell(x)),
    curvature: (p, x) => tf.mul(tf.mul(p, tf.mul(x, -2)), bell(x)),
  });
}
