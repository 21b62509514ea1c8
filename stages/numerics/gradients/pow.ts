/** a to the power b; tfjs differentiates the exponent through a saved output. */
import { tf } from '../tensor/tf.ts';
import { sumToShape } from './broadcasting.ts';

export function registerPow(): void {
  tf.registerGradient({
    kernelName: 'Pow',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [base, exponent]) => {
      const a = base!;
      const b = tf.cast(exponent!, 'float32');
      return {
        a: () => sumToShape(tf.mul(dy as tf.Tensor, tf.mul(b, tf.pow(a, tf.sub(b, 1)))), a.shape),
        b: () => {
          // The logarithm of a base of 0 or less is taken as 0; the inner `where` keeps it finite.
          const positive = tf.greater(a, 0);
          const log = tf.where(positive, tf.log(tf.where(positive, a, tf.onesLike(a))), tf.zerosLike(a));
          return sumToShape(tf.mul(tf.mul(dy as tf.Tensor, tf.pow(a, b)), log), b.shape);
        },
      };
    },
  });
}
