/** log Σ exp over any axes, safe for large inputs. */
import { tf } from '../tensor/tf.ts';
import { defineOp } from './define-op.ts';

interface Attributes {
  axes: number[];
}

const logSumExpOp = defineOp<'x', Attributes>({
  name: 'LogSumExp',
  inputs: ['x'],
  forward: ({ x }, { axes }) => {
    const top = tf.max(x, axes, true);
    return tf.add(tf.log(tf.sum(tf.exp(tf.sub(x, top)), axes, true)), top);
  },
  // dx = dy exp(x - y): the exponent is never above 0.
  gradient: ([dy], { inputs: { x }, outputs: [y] }, { axes }) => ({
    x: () => {
      const level = tf.engine().isTapeOn() ? logSumExp(x, axes, true) : y!;
      return tf.mul(dy!, tf.exp(tf.sub(x, level)));
    },
  }),
});

/**
 * log Σ exp(x) over `axes`.
 * @param x finite values, of any size
 * @param axes axes to sum over; default the last
 * @param keepDims keep the summed axes with length 1
 */
export function logSumExp(x: tf.Tensor, axes: number | number[] = -1, keepDims = false): tf.Tensor {
  const parsed = tf.util.parseAxisParam(axes, x.shape);
  const kept = logSumExpOp.run({ x }, { axes: parsed })[0]!;
  return keepDims ? kept : tf.squeeze(kept, parsed);
}

export function registerLogSumExp(): void {
  logSumExpOp.register();
}
