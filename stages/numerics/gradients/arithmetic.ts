/**
 * Sum, difference and product of two tensors, with broadcasting. Right in tfjs, but with casts and reshapes that
 * change nothing, each a kernel of its own; these gradients spare them, and know of copies.
 */
import { tf } from '../tensor/tf.ts';
import { sumToShape } from './broadcasting.ts';
import { apart, together } from './copies.ts';

/** The cotangent of an input of shape `one` from that of the broadcast output, apart where it holds copies. */
function toInput(t: tf.Tensor, out: readonly number[], one: readonly number[]): tf.Tensor {
  if (t.rank === out.length) return sumToShape(t, [...one]);
  const missing = new Array<number>(out.length - one.length).fill(1);
  return together(sumToShape(t, [t.shape[0]!, ...missing, ...one]), one);
}

const asFloat = (t: tf.Tensor) => (t.dtype === 'float32' ? t : tf.cast(t, 'float32'));

/** By a and by b, from the cotangent and the other one. */
interface Arithmetic {
  /** Whether the other one does not matter. */
  isLinear: boolean;
  byA(dy: tf.Tensor, b: tf.Tensor): tf.Tensor;
  byB(dy: tf.Tensor, a: tf.Tensor): tf.Tensor;
}

const kernels: Record<string, Arithmetic> = {
  Add: { isLinear: true, byA: (dy) => dy, byB: (dy) => dy },
  Sub: { isLinear: true, byA: (dy) => dy, byB: (dy) => tf.neg(dy) },
  Multiply: {
    isLinear: false,
    byA: (dy, b) => tf.mul(dy, asFloat(b)),
    byB: (dy, a) => tf.mul(dy, asFloat(a)),
  },
};

export function registerArithmetic(): void {
  for (const [kernelName, { isLinear, byA, byB }] of Object.entries(kernels)) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['a', 'b'],
      gradFunc: (dy, [a, b]) => {
        const out = tf.broadcast_util.assertAndGetBroadcastShape(a!.shape, b!.shape);
        const by = (map: Arithmetic['byA'], one: tf.Tensor, other: tf.Tensor) => {
          const isWhole = tf.util.arraysEqual(one.shape, out) && (isLinear || other.rank < out.length);
          return isWhole
            ? map(dy as tf.Tensor, other)
            : toInput(map(apart(dy as tf.Tensor, out), other), out, one.shape);
        };
        return { a: () => by(byA, a!, b!), b: () => by(byB, b!, a!) };
      },
    });
  }
}
