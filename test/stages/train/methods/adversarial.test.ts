/** Adversarial training on a linear classifier of two classes, where the worst image is known. */
import { beforeAll, describe, expect, it } from 'vitest';
import { registerGradients } from '../../../../stages/numerics/gradients/register.ts';
import { randomStream } from '../../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../support/engine.ts';
import {
  batchOf,
  columns,
  dot,
  entropyOfMargin,
  linearNetwork,
  numbers,
  rowsOf,
  settingOf,
  step,
} from './support.ts';

beforeAll(registerGradients);

const batch = batchOf(7, 2);
const weights = numbers(12, 'weights');
const [w0, w1] = columns(weights, 2) as [number[], number[]];
/** Direction in which the margin of class 1 grows, and its length in the dual norms. */
const direction = w1.map((value, j) => value - w0[j]!);
const dual = {
  L2: Math.hypot(...direction),
  Linf: direction.reduce((sum, value) => sum + Math.abs(value), 0),
};
const signOf = (i: number) => (batch.labels[i] === 1 ? 1 : -1);
const margins = rowsOf(batch).map((x, i) => signOf(i) * dot(direction, x));
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const lossOf = (train: object) => step(settingOf(train, linearNetwork(2), 2), weights, batch).loss;

describe('pgd-adversarial', () => {
  it.each([
    { norm: 'Linf', eps: 0.3, randomStart: true },
    { norm: 'Linf', eps: 0.05, randomStart: false },
    { norm: 'L2', eps: 0.4, randomStart: false },
  ] as const)('has the loss CE(margin − ε ‖w‖ of the dual norm): $norm, ε $eps', (pgd) => {
    const expected = mean(margins.map((margin) => entropyOfMargin(margin - pgd.eps * dual[pgd.norm])));
    expect(lossOf({ method: 'pgd-adversarial', pgd })).toBeCloseTo(expected, 5);
  });

  it('comes near to it from a random start in the L2 ball, and never past it', () => {
    const bound = mean(margins.map((margin) => entropyOfMargin(margin - 0.4 * dual.L2)));
    const found = lossOf({ method: 'pgd-adversarial', pgd: { eps: 0.4, steps: 20, randomStart: true } });
    expect(found).toBeLessThanOrEqual(bound + 1e-6);
    expect(found).toBeGreaterThan(bound - 0.01);
  });

  it('is vanilla training at ε 0', () => {
    expect(lossOf({ method: 'pgd-adversarial', pgd: { eps: 0 } })).toBeCloseTo(
      lossOf({ method: 'vanilla' }),
      6,
    );
  });

  it('stays inside the box', () => {
    const inside = { ...batch, x: batch.x.map((value) => 0.5 + value / 2) };
    const setting = settingOf(
      { method: 'pgd-adversarial', pgd: { norm: 'Linf', eps: 2 } },
      linearNetwork(2),
      2,
      [0, 1],
    );
    const worst = mean(
      Array.from(batch.labels, (_, i) =>
        entropyOfMargin(direction.reduce((sum, value) => sum + Math.min(0, signOf(i) * value), 0)),
      ),
    );
    expect(step(setting, weights, inside).loss).toBeCloseTo(worst, 5);
  });

  it('attacks the network in evaluation mode and trains it in training mode', () => {
    const twofold = linearNetwork(2);
    const logits = twofold.logits;
    // In training mode the logits are those of the mirrored input: margins of both signs tell the modes apart.
    twofold.logits = (values, x, training) => logits(values, training ? tf.neg(x) : x);
    const setting = settingOf({ method: 'pgd-adversarial', pgd: { norm: 'Linf', eps: 0.3 } }, twofold, 2);
    const expected = mean(margins.map((margin) => entropyOfMargin(-(margin - 0.3 * dual.Linf))));
    expect(step(setting, weights, batch).loss).toBeCloseTo(expected, 5);
  });
});

describe('fgsm-adversarial', () => {
  it('weighs clean and adversarial images alike, as Goodfellow et al. do', () => {
    const expected = mean(
      margins.map(
        (margin) => 0.5 * entropyOfMargin(margin) + 0.5 * entropyOfMargin(margin - 0.1 * dual.Linf),
      ),
    );
    expect(lossOf({ method: 'fgsm-adversarial' })).toBeCloseTo(expected, 5);
  });

  it('starts at random, steps by 1.25 ε and comes back into the ball, as Wong et al. do', () => {
    const eps = 0.2;
    const expected = mean(
      margins.map((margin, i) => {
        const random = randomStream(3, 'train-method', 1, batch.images[i]!);
        const moved = direction.map((value) => {
          const down = -signOf(i) * Math.sign(value);
          const start = (2 * random.uniform() - 1) * eps;
          return Math.max(-eps, Math.min(eps, start + 1.25 * eps * down));
        });
        return entropyOfMargin(margin + signOf(i) * dot(direction, moved));
      }),
    );
    const fgsm = { eps, relativeStep: 1.25, randomStart: true, cleanShare: 0 };
    expect(lossOf({ method: 'fgsm-adversarial', fgsm })).toBeCloseTo(expected, 5);
  });
});
