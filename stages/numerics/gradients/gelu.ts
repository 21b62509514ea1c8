/** The two forms of GELU. Hendrycks and Gimpel 2016: x Φ(x), and its approximation by tanh. */
import { runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { registerPointwise } from './pointwise.ts';

/** x of any shape -> x Φ(x), with Φ by erf; PyTorch's default GELU. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.engine().runKernel('Gelu', { x }) as T;
}

/** x of any shape -> x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))); PyTorch's GELU with approximate="tanh". */
export function geluTanh<T extends tf.Tensor>(x: T): T {
  return tf.engine().runKernel('GeluTanh', { x }) as T;
}

/** Φ(x), the cumulative normal distribution. */
const cumulative = (x: tf.Tensor) => tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
/** φ(x), the density of the normal distribution. */
const density = (x: tf.Tensor) => tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

// (1 + tanh(q/2)) / 2 = sigmoid(q), so geluTanh(x) = x sigmoid(q) with q = A x + B x³.
const A = 2 * Math.sqrt(2 / Math.PI);
const B = A * 0.044715;
const inner = (x: tf.Tensor) => tf.mul(x, tf.add(tf.mul(tf.square(x), B), A));
const innerSlope = (x: tf.Tensor) => tf.add(tf.mul(tf.square(x), 3 * B), A);

export function registerGelu(): void {
  registerPointwise({
    kernel: 'Gelu',
    value: gelu,
    forward: (x) => tf.mul(x, cumulative(x)),
    // f' = Φ + x φ
    slope: (dy, x) => tf.mul(dy, tf.add(cumulative(x), tf.mul(x, density(x)))),
    // f'' = φ (2 - x²)
    curvature: (p, x) => tf.mul(tf.mul(p, density(x)), tf.sub(2, tf.square(x))),
  });
  registerPointwise({
    kernel: 'GeluTanh',
    value: geluTanh,
    // SoftplusGrad(a, q) = a · sigmoid(q)
    forward: (x) => runFloatKernel('SoftplusGrad', [x, inner(x)]),
    // f' = s (1 + (x - y) q')
    slope: (dy, x, y) => {
      const factor = tf.add(tf.mul(tf.sub(x, y), innerSlope(x)), 1);
      return runFloatKernel('SoftplusGrad', [tf.mul(dy, factor), inner(x)]);
    },
    // f'' = s (1 - s) (2 q' + (x - 2 y) q'² + x q''), q'' = 6 B x
    curvature: (p, x, y) => {
      const s = tf.sigmoid(inner(x));
      const slope = innerSlope(x);
      const bend = tf.add(tf.mul(tf.sub(x, tf.mul(y, 2)), slope), 2);
      const sum = tf.add(tf.mul(bend, slope), tf.mul(tf.square(x), 6 * B));
      return tf.mul(tf.mul(p, tf.mul(s, tf.sub(1, s))), sum);
    },
  });
}
