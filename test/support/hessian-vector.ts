/**
 * Second derivatives checked against something independent: H v by a double backward pass, against central
 * differences of the first gradient; and the first gradient against central differences of the function.
 * Directions are random and fixed: a direction of ones hides errors, in softmax above all.
 */

import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { tf } from '../../stages/numerics/tensor/tf.ts';

/** A scalar function of several tensors. */
export type ScalarFunction = (xs: tf.Tensor[]) => tf.Scalar;
/** A vector field: one tensor per argument. */
type Field = (xs: tf.Tensor[]) => tf.Tensor[];

/** Half-width of a central difference, for inputs of order 1. Kinks have to stay further away than this. */
export const STEP = 0.04;

/** Values in [-1, 1) that depend on the name alone. */
export function direction(shape: number[], ...name: (string | number)[]): tf.Tensor {
  const stream = randomStream(7, 'direction', ...name);
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => 2 * stream.uniform() - 1),
    shape,
    'float32',
  );
}

/** One direction per argument. */
export const directionsLike = (xs: tf.Tensor[], name: string) =>
  xs.map((x, i) => direction(x.shape, name, i));

/** Σ over arguments of <a, b>. */
function inner(as: tf.Tensor[], bs: tf.Tensor[]): tf.Scalar {
  return tf.addN(as.map((a, i) => tf.sum(tf.mul(a, bs[i]!)))) as tf.Scalar;
}

/** First gradients of f. */
export const gradientField =
  (f: ScalarFunction): Field =>
  (xs) =>
    tf.grads((...args: tf.Tensor[]) => f(args))(xs);

/** f as a field of one tensor, evaluated under a tape, which f may want. */
const valueField =
  (f: ScalarFunction): Field =>
  (xs) => [tf.valueAndGrads((...args: tf.Tensor[]) => f(args))(xs).value];

/** x -> H(x) v by a double backward pass. Differentiable in turn. */
export const hessianVector = (f: ScalarFunction, vs: tf.Tensor[]): Field =>
  gradientField((xs) => inner(gradientField(f)(xs), vs));

/**
 * Derivative of a field along vs by central differences of two widths, extrapolated (error of order STEP⁴).
 */
export function differenceAlong(field: Field, xs: tf.Tensor[], vs: tf.Tensor[]): tf.Tensor[] {
  const at = (h: number) => field(xs.map((x, i) => tf.add(x, tf.mul(vs[i]!, h))));
  const slope = (h: number) => {
    const [ahead, behind] = [at(h), at(-h)];
    return ahead.map((value, i) => tf.div(tf.sub(value, behind[i]!), 2 * h));
  };
  const [wide, narrow] = [slope(STEP), slope(STEP / 2)];
  return narrow.map((value, i) => tf.div(tf.sub(tf.mul(value, 4), wide[i]!), 3));
}

/** |a - b| / |b| over all arguments taken together; `floor` is the smallest |b| divided by. */
export function relativeError(as: tf.Tensor[], bs: tf.Tensor[], floor = 1e-2): number {
  let difference = 0;
  let size = 0;
  as.forEach((a, i) => {
    const [left, right] = [a.dataSync(), bs[i]!.dataSync()];
    left.forEach((value, k) => {
      difference += (value - right[k]!) ** 2;
      size += right[k]! ** 2;
    });
  });
  return Math.sqrt(difference) / Math.max(Math.sqrt(size), floor);
}

/**
 * Relative errors of the derivatives of f at xs, up to `order`, in random directions: <∇f, v> against differences
 * of f, H v against differences of ∇f, and ∇<H v, w> against differences of H v.
 */
export function derivativeErrors(f: ScalarFunction, xs: tf.Tensor[], order: 1 | 2 | 3): number[] {
  const errors: number[] = [];
  tf.tidy(() => {
    const [vs, ws] = [directionsLike(xs, 'v'), directionsLike(xs, 'w')];
    const slope = inner(gradientField(f)(xs), vs);
    errors.push(relativeError([slope], differenceAlong(valueField(f), xs, vs)));
    if (order === 1) return;
    errors.push(relativeError(hessianVector(f, vs)(xs), differenceAlong(gradientField(f), xs, vs)));
    if (order === 2) return;
    const along: ScalarFunction = (at) => inner(hessianVector(f, vs)(at), ws);
    errors.push(relativeError(gradientField(along)(xs), differenceAlong(hessianVector(f, vs), xs, ws)));
  });
  return errors;
}
