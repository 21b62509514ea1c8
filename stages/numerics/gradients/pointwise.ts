/**
 * Smooth functions of one number, y = f(x). Each gives f' and f'' in closed form, so that a double backward pass
 * costs a handful of kernels and two tape nodes, and is exact to any order.
 */
import { tf } from '../tensor/tf.ts';
import { apart, copiesIn, sumOfCopies, together } from './copies.ts';
import { defineOp, type Op } from './define-op.ts';

export interface Pointwise {
  /** Name of the kernel, which has one input `x`. */
  kernel: string;
  /** Computes f off the tape; given where the kernel is our own and not one of tfjs. */
  forward?(x: tf.Tensor): tf.Tensor;
  /** f, by the function that networks call: it has to be recorded on the tape. */
  value(x: tf.Tensor): tf.Tensor;
  /** dy · f'(x). Runs off the tape, so raw kernels may be used. y = f(x) is at hand. */
  slope(dy: tf.Tensor, x: tf.Tensor, y: tf.Tensor): tf.Tensor;
  /** p · f''(x), made of differentiable functions of p, x and y = f(x). */
  curvature(p: tf.Tensor, x: tf.Tensor, y: tf.Tensor): tf.Tensor;
}

/** The attribute of a slope op: y = f(x) as a constant; the derivative with respect to x accounts for it. */
interface SlopeAttributes {
  y: tf.Tensor;
}

/** Registers the gradient of a pointwise kernel, the op for its slope, and the kernel itself if it is our own. */
export function registerPointwise(definition: Pointwise): void {
  const { kernel, forward, value, slope, curvature } = definition;
  const slopeOp: Op<'dy' | 'x', SlopeAttributes> = defineOp({
    name: `${kernel}Slope`,
    inputs: ['dy', 'x'],
    forward: ({ dy, x }, { y }) =>
      copiesIn(dy, x.shape) === 1
        ? slope(dy, x, y)
        : together(tf.mul(apart(dy, x.shape), slope(tf.onesLike(x), x, y)), x.shape),
    gradient: ([v], { inputs: { dy, x } }, { y }) => ({
      dy: () => slopeOp.run({ dy: v!, x }, { y })[0]!,
      // A third derivative needs f(x) on the tape; otherwise the known value spares a kernel.
      x: () => {
        const p = sumOfCopies(apart(tf.mul(v!, dy), x.shape), x.shape);
        return curvature(p, x, tf.engine().isTapeOn() ? value(x) : y);
      },
    }),
  });
  slopeOp.register();
  if (forward) {
    tf.registerKernel({
      kernelName: kernel,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs }) => tf.tidy(() => forward(inputs.x as tf.Tensor)),
    });
  }
  tf.registerGradient({
    kernelName: kernel,
    inputsToSave: ['x'],
    outputsToSave: [true],
    gradFunc: (dy, [x, y]) => ({ x: () => slopeOp.run({ dy: dy as tf.Tensor, x: x! }, { y: y! })[0]! }),
  });
}
