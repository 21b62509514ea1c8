/** A logSoftmax of our own; tfjs's saves its output and cannot be differentiated twice. */
import { runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { apart, together } from './copies.ts';
import { defineOp } from './define-op.ts';

const logSoftmaxOp = defineOp<'x'>({
  name: 'LogSoftmaxLastAxis',
  inputs: ['x'],
  forward: ({ x }) => runFloatKernel('LogSoftmax', [x]),
  // dx = dy - softmax(x) Σ dy
  gradient: ([dy], { inputs: { x }, outputs: [y] }) => ({
    x: () => {
      const probability = tf.engine().isTapeOn() ? tf.softmax(x) : tf.exp(y!);
      const each = apart(dy!, x.shape);
      return together(tf.sub(each, tf.mul(probability, tf.sum(each, -1, true))), x.shape);
    },
  }),
});

/** x [..., classes] -> log(softmax(x)) over the last axis; right for logits of any size. */
export function logSoftmax<T extends tf.Tensor>(x: T): T {
  return logSoftmaxOp.run({ x }, {})[0] as T;
}

export function registerLogSoftmax(): void {
  logSoftmaxOp.register();
}
