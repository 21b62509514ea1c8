/** FGSM, R+FGSM and PGD: the contract, and steps whose ends are known in closed form. */
import { describe, expect, it } from 'vitest';
import type { Answer, Attack, Problem, Query } from '../../../stages/numerics/attacks/attack.ts';
import { fgsm } from '../../../stages/numerics/attacks/fgsm.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { pgd, stepSizeOf } from '../../../stages/numerics/attacks/pgd.ts';
import { rFgsm } from '../../../stages/numerics/attacks/r-fgsm.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { attackContract } from '../../contracts/attack.ts';

const madry = { steps: 6, randomStart: false };
const everyNorm = { norms: ['Linf', 'L2', 'L1'], targeted: true } as const;
attackContract('fgsm', () => fgsm(), { ...everyNorm, fewestClasses: 1, isStrong: false });
attackContract('r-fgsm', () => rFgsm(), { ...everyNorm, fewestClasses: 1, isStrong: false });
attackContract('pgd', (eps) => pgd({ ...madry, stepSize: eps / 2 }), { ...everyNorm, fewestClasses: 1 });
attackContract('pgd with a random start', (eps) => pgd({ ...madry, stepSize: eps / 2, randomStart: true }), {
  ...everyNorm,
  fewestClasses: 1,
});
attackContract('pgd on dlr', (eps) => pgd({ ...madry, stepSize: eps / 2, loss: 'dlr' }), {
  targeted: true,
  fewestClasses: 3,
});
attackContract('pgd on the margin', (eps) => pgd({ ...madry, stepSize: eps / 2, loss: 'margin' }), {
  targeted: true,
  fewestClasses: 2,
});

/** Logits (0, w · x + b): class 1 where the line is crossed. */
const WEIGHTS = [3, -1, 0, 2];

/** Walks an attack by hand on a linear classifier, and writes down where it asked. */
function walk(attack: Attack, setting: Partial<Problem>, bias: number) {
  const problem: Problem = {
    image: Float32Array.of(0.2, 0.4, 0.6, 0.8),
    shape: [4],
    label: 0,
    target: null,
    cleanLogits: new Float32Array(0),
    norm: norms.Linf,
    eps: 0.1,
    box: null,
    random: randomStream('walk'),
    ...setting,
  };
  const asked: { x: number[]; loss: Query['loss']; target: number | undefined }[] = [];
  const climb = attack(problem);
  let step = climb.next();
  while (!step.done) {
    const { x, loss, target } = step.value;
    asked.push({ x: [...x], loss, target });
    const logit = x.reduce((sum, value, i) => sum + WEIGHTS[i]! * value, bias);
    const answer: Answer = {
      logits: Float32Array.of(0, logit),
      loss: loss === null ? Number.NaN : logit,
      gradient: Float32Array.from(loss === null ? [] : WEIGHTS),
    };
    step = climb.next(answer);
  }
  return { asked, outcome: step.value, at: [...step.value.x].map((value) => Number(value.toFixed(5))) };
}

const ROBUST = -100;

describe('fgsm', () => {
  it.each([
    // Weights 3, −1, 0, 2 of length √14.
    { norm: 'Linf', at: [0.3, 0.3, 0.6, 0.9] },
    { norm: 'L2', at: [0.2 + 0.3 / 14 ** 0.5, 0.4 - 0.1 / 14 ** 0.5, 0.6, 0.8 + 0.2 / 14 ** 0.5] },
    { norm: 'L1', at: [0.3, 0.4, 0.6, 0.8] },
  ] as const)('takes one step of ε: $norm', ({ norm, at }) => {
    const { at: found, outcome, asked } = walk(fgsm(), { norm: norms[norm] }, ROBUST);
    at.forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 4);
    });
    expect(outcome.isAdversarial).toBe(false);
    expect(asked.map(({ loss }) => loss)).toEqual(['ce', null]);
  });

  it('stays in the box', () => {
    const { at } = walk(fgsm(), { eps: 0.5, box: [0, 1] }, ROBUST);
    expect(at).toEqual([0.7, 0, 0.6, 1]);
  });
});

describe('pgd', () => {
  const plain = { steps: 3, stepSize: 0.04, randomStart: false };

  it('goes step by step, is stopped by the ball, and asks for the last point without a gradient', () => {
    const { asked, at } = walk(pgd(plain), {}, ROBUST);
    expect(asked.map(({ x }) => x[0]!.toFixed(3))).toEqual(['0.200', '0.240', '0.280', '0.300']);
    expect(asked.map(({ loss }) => loss)).toEqual(['ce', 'ce', 'ce', null]);
    expect(at).toEqual([0.3, 0.3, 0.6, 0.9]);
  });

  it('stops at the first point that leads astray: at the start, on the way, at the end', () => {
    // The clean image has logit 1.8 + bias, each step adds 0.24, the last one 0.12.
    const stops = [-1.7, -1.9, -2.2, -2.35, -2.5].map((bias) => {
      const { asked, outcome } = walk(pgd(plain), {}, bias);
      return [asked.length, outcome.isAdversarial];
    });
    expect(stops).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [4, true],
      [4, false],
    ]);
  });

  it('makes every step when it is to keep climbing, and leaves the end unseen', () => {
    const { asked, outcome, at } = walk(pgd({ ...plain, keepClimbing: true }), {}, 0);
    expect(asked.map(({ loss }) => loss)).toEqual(['ce', 'ce', 'ce']);
    expect(at).toEqual([0.3, 0.3, 0.6, 0.9]);
    expect(outcome.isAdversarial).toBe(false);
  });

  it('starts at a random point of the ball, clipped to the box', () => {
    const setting = { eps: 0.5, box: [0, 1] } as const;
    const { asked } = walk(pgd({ ...plain, randomStart: true }), setting, ROBUST);
    const random = randomStream('walk');
    const start = [0.2, 0.4, 0.6, 0.8].map((value) => value + (2 * random.uniform() - 1) * 0.5);
    start.forEach((value, i) => {
      expect(asked[0]!.x[i]).toBeCloseTo(Math.max(0, Math.min(1, value)), 6);
    });
  });

  it.each([
    { loss: 'ce', untargeted: 'ce', targeted: 'ce-targeted' },
    { loss: 'dlr', untargeted: 'dlr', targeted: 'dlr-targeted' },
    { loss: 'margin', untargeted: 'margin', targeted: 'difference' },
  ] as const)('climbs $loss, or its form for a target', ({ loss, untargeted, targeted }) => {
    const attack = pgd({ ...plain, loss });
    expect(walk(attack, {}, ROBUST).asked[0]).toMatchObject({ loss: untargeted, target: undefined });
    expect(walk(attack, { target: 1 }, ROBUST).asked[0]).toMatchObject({ loss: targeted, target: 1 });
  });

  it('steps as far as it is told, or by a share of ε', () => {
    expect(stepSizeOf({ relativeStep: 2.5, eps: 32 / 255, steps: 50 })).toBeCloseTo(1.6 / 255, 12);
    expect(stepSizeOf({ stepSize: 0.01, relativeStep: 2.5, eps: 0.3, steps: 40 })).toBe(0.01);
  });

  it('takes the steps of pictures: 32/255 in 50 steps, and L2 15 without a box', () => {
    const far = walk(
      pgd({ steps: 50, stepSize: 1.6 / 255, randomStart: false, keepClimbing: true }),
      { eps: 32 / 255 },
      0,
    );
    expect(far.at[0]).toBeCloseTo(0.2 + 32 / 255, 4);
    const toy = walk(
      pgd({ steps: 50, stepSize: 0.75, randomStart: false, keepClimbing: true }),
      { norm: norms.L2, eps: 15 },
      0,
    );
    expect(toy.at[0]).toBeCloseTo(0.2 + (15 * 3) / 14 ** 0.5, 3);
  });
});

describe('r-fgsm', () => {
  it('takes a random step of α by signs, then one of ε − α by the gradient', () => {
    const { asked, at } = walk(rFgsm({ alpha: 0.03 }), {}, ROBUST);
    const random = randomStream('walk');
    const signs = [...random.fillNormal(new Float32Array(4))].map(Math.sign);
    const image = [0.2, 0.4, 0.6, 0.8];
    image.forEach((value, i) => {
      expect(asked[0]!.x[i]).toBeCloseTo(value + 0.03 * signs[i]!, 6);
      expect(at[i]).toBeCloseTo(value + 0.03 * signs[i]! + 0.07 * Math.sign(WEIGHTS[i]!), 4);
    });
  });

  it('makes α half of ε unless told, and never more than ε', () => {
    const first = (alpha?: number) =>
      Math.abs(walk(rFgsm(alpha === undefined ? {} : { alpha }), {}, ROBUST).asked[0]!.x[2]! - 0.6);
    expect(first()).toBeCloseTo(0.05, 6);
    expect(first(7)).toBeCloseTo(0.1, 6);
  });
});
