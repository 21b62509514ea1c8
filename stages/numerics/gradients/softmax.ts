/** softmax over the last axis; tfjs differentiates it through a saved output. */
import { tf } from '../tensor/tf.ts';
import { apart, together } from './copies.ts';

/** x [..., n] -> exp(x) / Σ exp(x) over the last axis. */
export function softmax<T extends tf.Tensor>(x: T): T {
  return tf.softmax(x);
}

export function registerSoftmax(): void {
  tf.registerGradient({
    kernelName: 'Softmax',
    inputsToSave: ['logits'],
    outputsToSave: [true],
    gradFunc: (dy, [logits, y]) => ({
      // dx = s (dy - Σ dy s). The saved y is a constant for the tape, so it serves only where none is active.
      logits: () => {
        const s = tf.engine().isTapeOn() ? tf.softmax(logits!) : y!;
        const weighted = tf.mul(apart(dy as tf.Tensor, s.shape), s);
        return together(tf.sub(weighted, tf.mul(s, tf.sum(weighted, -1, true))), s.shape);
      },
    }),
  });
}
