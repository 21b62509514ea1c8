/** exp and expm1: tfjs saves their output, which is cut off from the tape. */
import { tf } from '../tensor/tf.ts';
import { registerPointwise } from './pointwise.ts';

export function registerExponentials(): void {
  registerPointwise({
    kernel: 'Exp',
    value: tf.exp,
    slope: (dy, _x, y) => tf.mul(dy, y),
    curvature: (p, _x, y) => tf.mul(p, y),
  });
  registerPointwise({
    kernel: 'Expm1',
    value: tf.expm1,
    // exp(x), not expm1(x) + 1: where x is very negative the latter loses every digit.
    slope: (dy, x) => tf.mul(dy, tf.exp(x)),
    curvature: (p, x) => tf.mul(p, tf.exp(x)),
  });
}
