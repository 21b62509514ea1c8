/** (a - b)²; tfjs's gradient does not undo broadcasting. */
import { tf } from '../tensor/tf.ts';
import { sumToShape } from './broadcasting.ts';

export function registerSquaredDifference(): void {
  tf.registerGradient({
    kernelName: 'SquaredDifference',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => {
      const dDifference = () => tf.mul(dy as tf.Tensor, tf.mul(tf.sub(a!, b!), 2));
      return {
        a: () => sumToShape(dDifference(), a!.shape),
        b: () => sumToShape(tf.neg(dDifference()), b!.shape),
      };
    },
  });
}
