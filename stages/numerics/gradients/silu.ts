/** SiLU (swish), x · sigmoid(x), in one kernel forward. Written with tf functions tfjs gets it silently wrong. */
import { runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { registerPointwise } from './pointwise.ts';

/** x of any shape -> x · sigmoid(x). Hendrycks and Gimpel 2016; Elfwing et al. 2017. */
export function silu<T extends tf.Tensor>(x: T): T {
  return tf.engine().runKernel('Silu', { x }) as T;
}

export function registerSilu(): void {
  registerPointwise({
    kernel: 'Silu',
    value: silu,
    // SoftplusGrad(a, x) = a · sigmoid(x): half the time of a sigmoid and a product.
    forward: (x) => runFloatKernel('SoftplusGrad', [x, x]),
    // f' = s (1 + x - y), as x (1 - s) = x - y
    slope: (dy, x, y) => runFloatKernel('SoftplusGrad', [tf.mul(dy, tf.add(tf.sub(x, y), 1)), x]),
    // f'' = s (1 - s) (2 + x - 2 y)
    curvature: (p, x, y) => {
      const s = tf.sigmoid(x);
      const bend = tf.add(tf.sub(x, tf.mul(y, 2)), 2);
      return tf.mul(tf.mul(p, tf.mul(s, tf.sub(1, s))), bend);
    },
  });
}
