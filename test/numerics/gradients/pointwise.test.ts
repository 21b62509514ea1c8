import { beforeAll, describe, expect, it } from 'vitest';
import { gelu, geluTanh } from '../../../stages/numerics/gradients/gelu.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { tf } from '../../support/engine.ts';

beforeAll(registerGradients);

/** Of values of order 1. */
const TOLERANCE = 3e-6;
const POINTS = [-90, -20, -8, -3, -1.3, -0.6, -0.1, -1e-4, 0, 1e-4, 0.2, 0.7, 1.1, 2.5, 7, 19, 85];

/** erf by its Maclaurin series, and 1 beyond its reach; float64. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const phi = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const cumulative = (x: number) => 0.5 * (1 + erf(x / Math.SQRT2));
/** geluTanh's x σ(q) and its derivatives by the quotient s = σ(q(x)). */
function tanhForm(x: number): [number, number, number] {
  const a = 2 * Math.sqrt(2 / Math.PI);
  const [q, dq, ddq] = [a * (x + 0.044715 * x ** 3), a * (1 + 3 * 0.044715 * x * x), a * 6 * 0.044715 * x];
  const s = sigma(q);
  const ds = s * (1 - s) * dq;
  const dds = s * (1 - s) * ((1 - 2 * s) * dq * dq + ddq);
  return [x * s, s + x * ds, 2 * ds + x * dds];
}

/** f, f' and f'' in float64. */
const closedForms: Record<string, [(x: tf.Tensor) => tf.Tensor, (x: number) => [number, number, number]]> = {
  sigmoid: [tf.sigmoid, (x) => [sigma(x), sigma(x) * sigma(-x), sigma(x) * sigma(-x) * (1 - 2 * sigma(x))]],
  tanh: [tf.tanh, (x) => [Math.tanh(x), 1 / Math.cosh(x) ** 2, (-2 * Math.tanh(x)) / Math.cosh(x) ** 2]],
  softplus: [tf.softplus, (x) => [x > 30 ? x : Math.log1p(Math.exp(x)), sigma(x), sigma(x) * sigma(-x)]],
  erf: [
    tf.erf,
    (x) => {
      const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
      return [erf(x), slope, -2 * x * slope];
    },
  ],
  elu: [tf.elu, (x) => (x < 0 ? [Math.expm1(x), Math.exp(x), Math.exp(x)] : [x, 1, 0])],
  selu: [
    tf.selu,
    (x) => {
      const [scale, alpha] = [1.0507009873554805, 1.6732632423543772];
      const below = scale * alpha * Math.exp(x);
      return x < 0 ? [scale * alpha * Math.expm1(x), below, below] : [scale * x, scale, 0];
    },
  ],
  silu: [
    silu,
    (x) => {
      const [s, t] = [sigma(x), sigma(-x)];
      return [x * s, s * (1 + x * t), s * t * (2 + x * (1 - 2 * s))];
    },
  ],
  gelu: [gelu, (x) => [x * cumulative(x), cumulative(x) + x * phi(x), phi(x) * (2 - x * x)]],
  geluTanh: [geluTanh, tanhForm],
  exp: [
    (x) => tf.exp(tf.minimum(x, 1)),
    (x) => (x > 1 ? [Math.E, 0, 0] : [Math.exp(x), Math.exp(x), Math.exp(x)]),
  ],
  expm1: [
    (x) => tf.expm1(tf.minimum(x, 1)),
    (x) => (x > 1 ? [Math.E - 1, 0, 0] : [Math.expm1(x), Math.exp(x), Math.exp(x)]),
  ],
};

describe.each(Object.entries(closedForms))('%s', (_name, [f, closed]) => {
  const derivative = (g: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad((at) => tf.sum(g(at)))(x);
  const orders = [f, derivative(f), derivative(derivative(f))];

  it.each(['itself', 'its first derivative', 'its second derivative'])(
    'is right in %s, also far out',
    (which) => {
      const order = ['itself', 'its first derivative', 'its second derivative'].indexOf(which);
      const found = orders[order]!(tf.tensor1d(POINTS)).dataSync();
      POINTS.forEach((x, i) => {
        const expected = closed(x)[order]!;
        const error = Math.abs(found[i]! - expected) / Math.max(1, Math.abs(expected));
        expect(error, `at ${x}: ${found[i]} for ${expected}`).toBeLessThan(TOLERANCE);
      });
    },
  );
});
