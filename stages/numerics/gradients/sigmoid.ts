/** sigmoid, tanh and softplus, with TensorFlow's own kernels for their slopes. */
import { runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { registerPointwise } from './pointwise.ts';

export function registerSigmoid(): void {
  registerPointwise({
    kernel: 'Sigmoid',
    value: tf.sigmoid,
    slope: (dy, _x, y) => runFloatKernel('SigmoidGrad', [y, dy]),
    // s'' = s (1 - s) (1 - 2 s)
    curvature: (p, _x, y) => tf.mul(tf.mul(p, tf.mul(y, tf.sub(1, y))), tf.sub(1, tf.mul(2, y))),
  });
  registerPointwise({
    kernel: 'Tanh',
    value: tf.tanh,
    slope: (dy, _x, y) => runFloatKernel('TanhGrad', [y, dy]),
    // t'' = -2 t (1 - t²)
    curvature: (p, _x, y) => tf.mul(tf.mul(p, tf.mul(y, -2)), tf.sub(1, tf.square(y))),
  });
  registerPointwise({
    kernel: 'Softplus',
    value: tf.softplus,
    slope: (dy, x) => runFloatKernel('SoftplusGrad', [dy, x]),
    curvature: (p, x) => {
      const s = tf.sigmoid(x);
      return tf.mul(p, tf.mul(s, tf.sub(1, s)));
    },
  });
}
