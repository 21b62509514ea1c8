/**
 * Cotangents of several targets in one tensor: the copies lie one after the other along the first axis, so that a
 * cotangent of [batch, ...] becomes [copies × batch, ...]. A gradient that knows of copies runs its kernels once
 * for all of them, with what it saved of the forward pass used by each.
 */
import { tf } from '../tensor/tf.ts';

/** How many copies of a tensor of shape `one` the cotangent holds. */
export function copiesIn(dy: tf.Tensor, one: readonly number[]): number {
  return dy.rank === 0 ? 1 : dy.shape[0]! / one[0]!;
}

/** [copies × batch, ...] -> [copies, batch, ...], to be combined with tensors of [batch, ...]; one copy stays as it is. */
export function apart(dy: tf.Tensor, one: readonly number[]): tf.Tensor {
  const copies = copiesIn(dy, one);
  return copies === 1 ? dy : tf.reshape(dy, [copies, ...one]);
}

/** The inverse of {@link apart}. */
export function together(t: tf.Tensor, one: readonly number[]): tf.Tensor {
  return t.rank === one.length ? t : tf.reshape(t, [t.shape[0]! * one[0]!, ...one.slice(1)]);
}

/** Sum over the copies of a tensor that is {@link apart}. */
export function sumOfCopies(t: tf.Tensor, one: readonly number[]): tf.Tensor {
  return t.rank === one.length ? t : tf.sum(t, 0);
}

/** A map of one copy, applied to each. */
export function forEachCopy(
  dy: tf.Tensor,
  one: readonly number[],
  map: (part: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const copies = copiesIn(dy, one);
  return copies === 1 ? map(dy) : tf.concat(tf.split(dy, copies).map(map));
}
