/** Square Attack on classifiers whose worst case is known, and what it must not do on any. */
import { describe, expect, it } from 'vitest';
import type { Answer, Attack, Outcome, Problem } from '../../../stages/numerics/attacks/attack.ts';
import { objective } from '../../../stages/numerics/attacks/logit-measures.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import type { Oracle } from '../../../stages/numerics/attacks/oracle.ts';
import { AttackRun } from '../../../stages/numerics/attacks/run-attacks.ts';
import { square } from '../../../stages/numerics/attacks/square.ts';
import { bump } from '../../../stages/numerics/attacks/square-bumps.ts';
import { windowShare } from '../../../stages/numerics/attacks/square-schedule.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';

type LogitsOf = (x: Float32Array) => number[];

const NAMES = ['Linf', 'L2', 'L1'] as const;
const RADII = { Linf: 0.2, L2: 1, L1: 4 };

function randomValues(count: number, ...name: (string | number)[]): Float32Array {
  const random = randomStream(...name);
  return Float32Array.from({ length: count }, () => random.uniform());
}

function problemOf(given: Partial<Problem> & Pick<Problem, 'shape' | 'norm'>): Problem {
  const size = given.shape.reduce((product, side) => product * side, 1);
  return {
    image: randomValues(size, 'image'),
    label: 0,
    target: null,
    cleanLogits: new Float32Array(2),
    eps: RADII[given.norm.name],
    box: [0, 1],
    random: randomStream(1),
    ...given,
  };
}

/** Runs a climb to its end; `seen` gets every point asked about. */
function drive(
  attack: Attack,
  problem: Problem,
  logitsOf: LogitsOf,
  seen?: (x: Float32Array) => void,
): Outcome & { queries: number } {
  const climb = attack(problem);
  let queries = 0;
  for (let step = climb.next(); ; queries++) {
    if (step.done) return { ...step.value, queries };
    seen?.(step.value.x);
    const logits = Float32Array.from(logitsOf(step.value.x));
    step = climb.next({ logits, loss: Number.NaN, gradient: new Float32Array(0) } satisfies Answer);
  }
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('the schedule of window sizes', () => {
  it('is that of the official code for 5,000 queries', () => {
    const official: [number, number][] = [
      [0, 0.8],
      [10, 0.8],
      [11, 0.4],
      [50, 0.4],
      [51, 0.2],
      [200, 0.2],
      [201, 0.1],
      [500, 0.1],
      [501, 0.05],
      [1000, 0.05],
      [1001, 0.025],
      [2000, 0.025],
      [2001, 0.0125],
      [4000, 0.0125],
      [4001, 0.00625],
      [4999, 0.00625],
    ];
    for (const [proposal, share] of official) expect(windowShare(proposal, 0.8)).toBeCloseTo(share, 12);
  });
});

describe('a bump', () => {
  it('has one peak up and one down, with heights calculated by hand', () => {
    // Two squares on top of each other: 1 at the peak, and 1/4 (in L1 1/16) at it and beside it.
    const l2 = [0.25, 1.25, -0.25, -1.25].map((value) => value / Math.sqrt(2 * (0.25 ** 2 + 1.25 ** 2)));
    const l1 = [1, 17, -1, -17].map((value) => value / 36);
    [...bump(2, 2)].forEach((value, i) => {
      expect(value).toBeCloseTo(l2[i]!, 12);
    });
    [...bump(2, 1)].forEach((value, i) => {
      expect(value).toBeCloseTo(l1[i]!, 12);
    });
    expect([...bump(1, 2)]).toEqual([-1]);
  });
});

describe('Square Attack', () => {
  const shapes = [
    [28, 28, 1],
    [12, 7, 3],
    [4, 4, 1],
    [1, 1, 2],
  ];
  const boxes = [[0, 1], [0.3, 0.6], null] as const;

  it.each(NAMES)('never leaves ball and box, whatever the classifier says, %s', (name) => {
    for (const shape of shapes) {
      for (const box of boxes) {
        const problem = problemOf({ shape, norm: norms[name], box });
        const [low, high] = box ?? [0, 1];
        problem.image.forEach((value, i) => {
          problem.image[i] = Math.max(low, Math.min(value, high));
        });
        const noise = randomStream('noise');
        let longest = 0;
        const seen = (x: Float32Array) => {
          longest = Math.max(longest, norms[name].distance(problem.image, x));
          if (box === null) return;
          expect(Math.min(...x)).toBeGreaterThanOrEqual(Math.fround(low));
          expect(Math.max(...x)).toBeLessThanOrEqual(Math.fround(high));
        };
        const attack = square({ queries: 400 });
        const { isAdversarial } = drive(attack, problem, () => [noise.uniform() + 2, 1], seen);
        expect(isAdversarial).toBe(false);
        expect(longest).toBeLessThan(problem.eps * (1 + 2e-6));
        // Without a box the ball is used to its border.
        if (box === null) expect(longest).toBeGreaterThan(problem.eps * 0.999);
      }
    }
  });

  it('finds the worst image for a linear classifier in L∞, the last row and column too', () => {
    const size = 6 * 6 * 3;
    const weights = randomValues(size, 'weights').map((value) => value - 0.5);
    const problem = problemOf({
      shape: [6, 6, 3],
      norm: norms.Linf,
      image: new Float32Array(size).fill(0.5),
    });
    const { x, queries } = drive(square(), problem, (point) => [100 + dot(weights, point), 0]);
    const worst = weights.map((weight) => 0.5 - Math.sign(weight) * 0.2);
    expect(norms.Linf.distance(x, worst)).toBeLessThan(1e-6);
    expect(queries).toBe(5001);
  });

  it.each([
    { name: 'L2' as const, dual: (w: Float32Array) => Math.hypot(...w) },
    { name: 'L1' as const, dual: (w: Float32Array) => Math.max(...w.map(Math.abs)) },
  ])(
    'comes within 30 % of the worst case of a linear classifier, and not beyond, $name',
    ({ name, dual }) => {
      const weights = randomValues(64, 'weights').map((value) => (value - 0.5) ** 3);
      const image = new Float32Array(64).fill(0.5);
      const problem = problemOf({ shape: [8, 8, 1], norm: norms[name], image, eps: 0.4 });
      const { x } = drive(square(), problem, (point) => [100 + dot(weights, point), 0]);
      const gained = dot(weights, image) - dot(weights, x);
      expect(gained).toBeGreaterThan(0.7 * 0.4 * dual(weights));
      expect(gained).toBeLessThan(1.00001 * 0.4 * dual(weights));
    },
  );

  it.each(NAMES)('tries points that differ from the best one in windows only, %s', (name) => {
    const problem = problemOf({ shape: [16, 16, 1], norm: norms[name] });
    let start: Float32Array | null = null;
    let most = 0;
    let asked = 0;
    const { x } = drive(
      square({ queries: 600 }),
      problem,
      // The start is never beaten.
      () => [asked++ === 0 ? 1 : 2, 0],
      (point) => {
        start ??= point.slice();
        if (asked > 501) most = Math.max(most, point.filter((value, i) => value !== start![i]).length);
      },
    );
    expect(x).toEqual(start!);
    // A share of 0.05 of 256 pixels: one window of side 4, or two of side 5.
    expect(most).toBeLessThanOrEqual(name === 'Linf' ? 16 : 50);
    expect(most).toBeGreaterThan(0);
  });

  it('stops where the classifier is led astray, and goes on at a tie that still names the label', () => {
    const problem = problemOf({ shape: [6, 6, 1], norm: norms.Linf });
    let asked = 0;
    const stopped = drive(square({ queries: 50 }), problem, () => [0, asked++ === 7 ? 1 : -1]);
    expect(stopped).toMatchObject({ isAdversarial: true, queries: 8 });
    const tied = drive(square({ queries: 50 }), problem, () => [0, 0]);
    expect(tied).toMatchObject({ isAdversarial: false, queries: 51 });
  });

  it('ends in the ball where the classifier gives NaN', () => {
    const problem = problemOf({ shape: [6, 6, 1], norm: norms.L2 });
    const { x, isAdversarial } = drive(square({ queries: 50 }), problem, () => [Number.NaN, 0]);
    expect(isAdversarial).toBe(false);
    expect(norms.L2.distance(problem.image, x)).toBeLessThan(1.000001);
  });

  it.each(NAMES)('reaches a target, and no other class counts, %s', (name) => {
    const weights = [0, 1, 2].map((k) => randomValues(64, 'class', k).map((value) => value - 0.5));
    const logitsOf = (x: Float32Array) =>
      weights.map((weight, k) => dot(weight, x) + (k === 0 ? 0.5 : k === 2 ? -0.5 : 0));
    const image = new Float32Array(64).fill(0.5);
    const problem = problemOf({
      shape: [8, 8, 1],
      norm: norms[name],
      image,
      eps: 3 * RADII[name],
      target: 2,
    });
    const { x, isAdversarial } = drive(square(), problem, logitsOf);
    expect(isAdversarial).toBe(true);
    const logits = logitsOf(x);
    expect(logits.indexOf(Math.max(...logits))).toBe(2);
  });

  it('does the same for an image in whatever company, and something else with another seed', () => {
    const weights = randomValues(36, 'weights').map((value) => value - 0.5);
    const oracle: Oracle = {
      shape: [6, 6, 1],
      classes: 2,
      ask: (questions) =>
        questions.map(({ query }) => ({
          logits: Float32Array.of(dot(weights, query.x) + 0.3, 0),
          loss: Number.NaN,
          gradient: new Float32Array(0),
        })),
      dispose() {},
    };
    const results = (batchSize: number, seed: number) => {
      const attempts = [square({ queries: 40 }), square({ queries: 40 })];
      const run = new AttackRun(
        9,
        attempts,
        oracle,
        (image, attempt) =>
          problemOf({
            shape: [6, 6, 1],
            norm: norms.L2,
            image: randomValues(36, 'image', image),
            random: randomStream(seed, image, attempt),
          }),
        { batchSize },
      );
      while (run.step());
      return run.results().map(({ seconds, ...result }) => result);
    };
    expect(results(1, 5)).toEqual(results(7, 5));
    expect(results(1, 5)).not.toEqual(results(1, 6));
  });

  it('says that it is for images', () => {
    const problem = problemOf({ shape: [2], norm: norms.L2 });
    expect(() => square()(problem).next()).toThrow(
      'Expected images of [height, width, channels] for Square Attack, which changes square windows, found inputs of [2]; ' +
        'leave square out of the attacks on these data.',
    );
  });
});

describe('what attacks without gradients make small', () => {
  it('is the margin of the label, or the cross entropy of the target', () => {
    expect(objective([1, 4, 2.5], { label: 1, target: null })).toBe(1.5);
    expect(objective([1, 4, 2.5], { label: 2, target: null })).toBe(-1.5);
    const entropy = Math.log(Math.exp(1) + Math.exp(4) + Math.exp(2.5)) - 2.5;
    expect(objective([1, 4, 2.5], { label: 1, target: 2 })).toBeCloseTo(entropy, 12);
    expect(objective([1001, 1004, 1002.5], { label: 1, target: 2 })).toBeCloseTo(entropy, 9);
  });
});
