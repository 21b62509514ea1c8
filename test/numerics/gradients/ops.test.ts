import { beforeAll, describe, expect, it } from 'vitest';
import { ALLOWED_OPS, FORBIDDEN_OPS, OWN_OPS } from '../../../stages/numerics/gradients/allowed.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { tf } from '../../support/engine.ts';
import { derivativeErrors, direction } from '../../support/hessian-vector.ts';
import { type OpCase, ownCases, tfCases } from './cases.ts';

/** Relative; float32 differences of a smooth function of order 1 leave an error of this size. */
const TOLERANCE = 2e-3;

const polynomial = (y: tf.Tensor) => tf.add(tf.mul(y, tf.add(tf.mul(y, 1 / 6), 0.5)), 1);

/** Σ w (y + y²/2 + y³/6): a function of the op's output whose first three derivatives are all at work. */
function scalarOf(call: OpCase['call']) {
  return (xs: tf.Tensor[]): tf.Scalar => {
    const outputs = [call(...xs)].flat();
    const sums = outputs.map((y, i) =>
      tf.sum(tf.mul(direction(y.shape, 'weight', i), tf.mul(y, polynomial(y)))),
    );
    return tf.addN(sums) as tf.Scalar;
  };
}

beforeAll(registerGradients);

describe.each([
  ['tf', ALLOWED_OPS, tfCases],
  ['our', OWN_OPS, ownCases],
] as const)('the derivatives of %s functions', (_whose, allowed, cases) => {
  it('are tried for every op that is allowed, and no other', () => {
    expect(Object.keys(cases)).toEqual([...allowed]);
  });

  describe.each(Object.entries(cases))('%s', (_name, calls) => {
    it.each(calls.map((call, i) => [call.what, call, i] as const))('%s', (_what, call, index) => {
      const xs = call.arguments.map((make, i) => make(i));
      const errors = derivativeErrors(scalarOf(call.call), xs, index === 0 ? 3 : 2);
      expect(Math.max(...errors), `errors of the first, second …: ${errors}`).toBeLessThan(TOLERANCE);
    });
  });
});

describe('the list of forbidden functions', () => {
  it('names functions that tf has and that are not allowed', () => {
    for (const name of Object.keys(FORBIDDEN_OPS)) {
      expect(tf).toHaveProperty(name);
      expect(ALLOWED_OPS).not.toContain(name);
    }
  });
});
