/** APGD against classifiers of which the worst point is known, and its promises: ball, box, stop, draws. */
import { describe, expect, it } from 'vitest';
import { type ApgdOptions, apgd } from '../../../stages/numerics/attacks/apgd.ts';
import { apgdTargeted } from '../../../stages/numerics/attacks/apgd-targeted.ts';
import type { Answer, Attack, Outcome, Problem, Query } from '../../../stages/numerics/attacks/attack.ts';
import { type Norm, norms } from '../../../stages/numerics/attacks/norms.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';

const SIZE = 50;

/** What a classifier of the tests says at a query. */
type Classifier = (query: Query) => Answer;

function run(attack: Attack, problem: Problem, classifier: Classifier) {
  const climb = attack(problem);
  const queries: Query[] = [];
  let state = climb.next();
  while (!state.done) {
    queries.push({ ...state.value, x: state.value.x.slice() });
    state = climb.next(classifier(state.value));
  }
  return { outcome: state.value as Outcome, queries };
}

function problemIn(norm: Norm['name'], eps: number, given: Partial<Problem> = {}): Problem {
  const random = randomStream('image', norm);
  return {
    image: Float32Array.from({ length: SIZE }, () => random.uniform()),
    shape: [SIZE],
    label: 0,
    target: null,
    cleanLogits: Float32Array.of(1, 0, -1, -2),
    norm: norms[norm],
    eps,
    box: [0, 1],
    random: randomStream('start'),
    ...given,
  };
}

const weights = randomStream('weights').fillNormal(new Float32Array(SIZE));
const product = (x: Float32Array) => x.reduce((sum, value, i) => sum + value * weights[i]!, 0);

/** Two classes with logits 0 and w·x + bias, climbed by cross entropy for class 0. */
const linear =
  (bias: number): Classifier =>
  ({ x }) => {
    const logit = product(x) + bias;
    const share = 1 / (1 + Math.exp(-logit));
    return {
      logits: Float32Array.of(0, logit),
      loss: Math.log1p(Math.exp(logit)),
      gradient: weights.map((weight) => share * weight),
    };
  };

/** The largest w·x in ball and box. */
const optimum: Record<Norm['name'], (problem: Problem) => number> = {
  Linf: ({ image, eps }) =>
    image.reduce(
      (sum, value, i) => sum + weights[i]! * Math.min(1, Math.max(0, value + eps * Math.sign(weights[i]!))),
      0,
    ),
  // Without a box.
  L2: ({ image, eps }) => product(image) + eps * Math.hypot(...weights),
  // The steepest coordinates first, each as far as the box lets it.
  L1({ image, eps }) {
    let [left, sum] = [eps, product(image)];
    for (const i of [...weights.keys()].sort((a, b) => Math.abs(weights[b]!) - Math.abs(weights[a]!))) {
      const room = weights[i]! > 0 ? 1 - image[i]! : image[i]!;
      sum += Math.abs(weights[i]!) * Math.min(room, left);
      left -= Math.min(room, left);
    }
    return sum;
  },
};

// In L1 a climb ends where the coordinates that it moves lie on the walls of the box, as the official code's does.
const cases = [
  { norm: 'Linf', eps: 0.3, box: [0, 1], gap: 1e-4 },
  { norm: 'L2', eps: 1.5, box: null, gap: 1e-3 },
  { norm: 'L1', eps: 6, box: [0, 1], gap: 0.1 },
] as const;

describe('APGD', () => {
  it.each(cases)('finds the worst point of a linear classifier, $norm', ({ norm, eps, box, gap }) => {
    const problem = problemIn(norm, eps, { box });
    const clean = product(problem.image);
    const best = optimum[norm](problem) - clean;
    // The climb begins where the loss is steep.
    const { outcome, queries } = run(
      apgd({ loss: 'ce', keepClimbing: true }),
      problem,
      linear(-clean - best / 2),
    );
    const reached = Math.max(...queries.map(({ x }) => product(x))) - clean;
    expect(outcome.isAdversarial).toBe(true);
    expect(reached).toBeLessThan(best + 1e-4);
    expect(reached).toBeGreaterThan(best * (1 - gap));
    expect(queries).toHaveLength(101);
  });

  it.each(cases)('leads astray just where a point that does so exists, $norm', ({ norm, eps, box, gap }) => {
    const problem = problemIn(norm, eps, { box });
    const best = optimum[norm](problem) - product(problem.image);
    for (const [share, isPossible] of [
      [1 - 2 * gap, true],
      [1 + gap, false],
    ] as const) {
      const { outcome } = run(apgd({ loss: 'ce' }), problem, linear(-product(problem.image) - share * best));
      expect(outcome.isAdversarial).toBe(isPossible);
    }
  });

  /** Bumps and holes, so that climbs turn often. */
  const wavy: Classifier = ({ x }) => {
    const gradient = x.map((value, i) => Math.cos(9 * value + i) * weights[i]!);
    const loss = x.reduce((sum, value, i) => sum + (Math.sin(9 * value + i) * weights[i]!) / 9, 0);
    return { logits: Float32Array.of(1, 0), loss, gradient };
  };

  it.each([
    { norm: 'Linf', eps: 0.3 },
    { norm: 'L2', eps: 1.5 },
    { norm: 'L1', eps: 6 },
  ] as const)(
    'asks for points of ball and box only, and returns the best of them, $norm',
    ({ norm, eps }) => {
      for (const box of [[0, 1], null] as const) {
        const problem = problemIn(norm, eps, { box });
        const image = problem.image.slice();
        const { outcome, queries } = run(apgd({ loss: 'ce' }), problem, wavy);
        for (const { x } of queries) {
          expect(norms[norm].distance(problem.image, x)).toBeLessThan(eps * (1 + 1e-5));
          if (box !== null) expect(x.every((value) => value >= 0 && value <= 1)).toBe(true);
        }
        const best = queries.reduce((a, b) => (wavy(b).loss > wavy(a).loss ? b : a));
        expect(outcome).toEqual({ x: best.x, isAdversarial: false });
        expect(problem.image).toEqual(image);
      }
    },
  );

  it('starts on the border of the ball, and elsewhere for every stream', () => {
    for (const [norm, eps] of [
      ['Linf', 0.3],
      ['L2', 1.5],
      ['L1', 6],
    ] as const) {
      const starts = [1, 2].map((seed) => {
        const problem = problemIn(norm, eps, { box: null, random: randomStream(seed) });
        const { x } = run(apgd({ loss: 'ce', steps: 1 }), problem, wavy).queries[0]!;
        expect(norms[norm].distance(problem.image, x)).toBeCloseTo(eps, 5);
        return x;
      });
      expect(starts[0]).not.toEqual(starts[1]);
    }
  });

  it('stops as soon as it sees the classifier led astray', () => {
    const problem = problemIn('Linf', 0.3);
    let asked = 0;
    const { outcome, queries } = run(apgd({ loss: 'ce' }), problem, (query) => {
      asked += 1;
      return { ...wavy(query), logits: asked === 4 ? Float32Array.of(0, 1) : Float32Array.of(1, 0) };
    });
    expect(queries).toHaveLength(4);
    expect(outcome).toEqual({ x: queries[3]!.x, isAdversarial: true });
  });

  it('averages gradients over draws, and believes the last one', () => {
    const problem = problemIn('Linf', 0.3);
    let asked = 0;
    const noisy: Classifier = (query) => {
      const answer = wavy(query);
      const draw = asked++ % 3;
      // Two draws that would lead elsewhere alone; one that is led astray but is not the last.
      return {
        logits: draw === 1 ? Float32Array.of(0, 1) : answer.logits,
        loss: draw === 2 ? answer.loss : Number.NaN,
        gradient: answer.gradient.map((value) => [2 * value, -5 * value, 6 * value][draw]!),
      };
    };
    const drawn = run(apgd({ loss: 'ce', steps: 20, draws: 3 }), problem, noisy);
    const plain = run(apgd({ loss: 'ce', steps: 20 }), { ...problem, random: randomStream('start') }, wavy);
    expect(drawn.queries).toHaveLength(3 * 21);
    expect(drawn.outcome.isAdversarial).toBe(false);
    expect(drawn.queries.filter((_, i) => i % 3 === 0).map(({ x }) => x)).toEqual(
      plain.queries.map(({ x }) => x),
    );
  });

  it('climbs the targeted loss where the problem has a target, and wants that class', () => {
    const problem = problemIn('Linf', 0.3, { target: 2 });
    const classify =
      (logits: number[]): Classifier =>
      (query) => ({ ...wavy(query), logits: Float32Array.from(logits) });
    const options: ApgdOptions = { loss: 'dlr', steps: 5 };
    const missed = run(apgd(options), problem, classify([0, 1, 0, 0]));
    expect(missed.outcome.isAdversarial).toBe(false);
    expect(missed.queries[0]).toMatchObject({ loss: 'dlr-targeted', target: 2 });
    expect(run(apgd(options), problem, classify([0, 0, 1, 0])).outcome.isAdversarial).toBe(true);
  });

  it('goes through balls that shrink, and counts success in the last one only', () => {
    const problem = problemIn('L1', 2);
    const astray: Classifier = (query) => ({ ...wavy(query), logits: Float32Array.of(0, 1) });
    const { outcome, queries } = run(apgd({ loss: 'ce', shrinkingBall: true }), problem, astray);
    expect(queries).toHaveLength(31 + 31 + 1);
    expect(outcome.isAdversarial).toBe(true);
    expect(norms.L1.distance(problem.image, outcome.x)).toBeLessThan(2 + 1e-5);
    const lengths = queries.map(({ x }) => norms.L1.distance(problem.image, x));
    expect(Math.max(...lengths)).toBeGreaterThan(4);
    expect(Math.max(...lengths.slice(31))).toBeLessThan(4 + 1e-5);
    const whole = run(apgd({ loss: 'ce', shrinkingBall: true }), problem, wavy);
    expect(whole.queries).toHaveLength(100 + 3);
  });
});

describe('APGD-T', () => {
  it('aims at the class of its rank, and takes any wrong class for success', () => {
    const problem = problemIn('Linf', 0.3, { cleanLogits: Float32Array.of(5, -1, 3, 4) });
    const { queries, outcome } = run(apgdTargeted({ rank: 3, steps: 3 }), problem, ({ x }) => ({
      logits: Float32Array.of(0, 1, 0, 0),
      loss: 0,
      gradient: x,
    }));
    expect(queries[0]).toMatchObject({ loss: 'dlr-targeted', target: 2 });
    expect(outcome.isAdversarial).toBe(true);
  });
});
