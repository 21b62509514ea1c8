/** A value that counts as a constant: its derivative is zero. */
import { tf } from '../tensor/tf.ts';
import { defineOp } from './define-op.ts';

const stop = defineOp({
  name: 'StopGradient',
  inputs: ['x'],
  forward: ({ x }) => tf.clone(x),
  gradient: (_, { inputs: { x } }) => ({ x: () => tf.zerosLike(x) }),
});

/** x -> x, of any shape. Differences disagree with its derivative on purpose, so it is no op of `allowed.ts`. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return stop.run({ x }, {})[0] as T;
}

export function registerStopGradient(): void {
  stop.register();
}
