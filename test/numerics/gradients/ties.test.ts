import { beforeAll, describe, expect, it } from 'vitest';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { tf } from '../../support/engine.ts';
import { direction } from '../../support/hessian-vector.ts';

beforeAll(registerGradients);

/** <J u, v> by the adjoint's own gradient, and <u, Jᵀ v>: equal for a map and its adjoint. */
function bothSides(f: (x: tf.Tensor4D) => tf.Tensor, x: tf.Tensor4D): [number, number] {
  const [u, v] = [direction(x.shape, 'u'), direction(f(x).shape, 'v')];
  const pulled = (w: tf.Tensor) => tf.grad((at: tf.Tensor) => f(at as tf.Tensor4D))(x, w);
  const pushed = tf.grad((w: tf.Tensor) => tf.sum(tf.mul(pulled(w), u)))(v);
  return [tf.sum(tf.mul(pushed, v)).dataSync()[0]!, tf.sum(tf.mul(u, pulled(v))).dataSync()[0]!];
}

describe('maxPool', () => {
  // After a ReLU most windows hold several zeros.
  const ties = tf.relu(tf.round(tf.mul(direction([2, 9, 7, 3], 'ties'), 2))) as tf.Tensor4D;

  it.each([
    ['apart', 2, 2, 'valid'],
    ['overlapping', 3, 2, 'same'],
    ['at stride 1', 3, 1, 'same'],
  ] as const)(
    'chooses the same place among ties forward and backward, windows %s',
    (_what, size, stride, pad) => {
      const [forward, backward] = bothSides((x) => tf.maxPool(x, size, stride, pad), ties);
      expect(forward).toBeCloseTo(backward, 4);
    },
  );

  it('gives the whole gradient of a window to one place', () => {
    const gradient = tf.grad((x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid') as tf.Tensor)(
      tf.ones([1, 2, 2, 1]),
    );
    expect([...gradient.dataSync()]).toEqual([1, 0, 0, 0]);
  });
});

describe('max', () => {
  it('shares the gradient among ties', () => {
    const gradient = tf.grad((x: tf.Tensor) => tf.max(x, 1))(
      tf.tensor2d([
        [1, 3, 3],
        [2, 2, 2],
      ]),
    );
    expect([...gradient.dataSync()].map((value) => value.toFixed(4))).toEqual([
      '0.0000',
      '0.5000',
      '0.5000',
      '0.3333',
      '0.3333',
      '0.3333',
    ]);
  });
});

describe('where', () => {
  it('leaves zero, not NaN, of an infinite gradient in the branch not taken', () => {
    const [x, infinite] = [tf.tensor1d([1, -1]), tf.fill([2], Number.POSITIVE_INFINITY)];
    const chosen = (at: tf.Tensor) => tf.where(tf.greater(x, 0), at, tf.zerosLike(at));
    const other = (at: tf.Tensor) => tf.where(tf.greater(x, 0), tf.zerosLike(at), at);
    expect([...tf.grad(chosen)(x, infinite).dataSync()]).toEqual([Number.POSITIVE_INFINITY, 0]);
    expect([...tf.grad(other)(x, infinite).dataSync()]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
});
