/** Many climbs at once: what counts, what is asked, and that neither batch size nor order shows in the results. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Attack,
  classOf,
  isLedAstray,
  type Problem,
  type Query,
} from '../../../stages/numerics/attacks/attack.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import type { Oracle } from '../../../stages/numerics/attacks/oracle.ts';
import { pgd } from '../../../stages/numerics/attacks/pgd.ts';
import { problemsOf } from '../../../stages/numerics/attacks/problems.ts';
import { rFgsm } from '../../../stages/numerics/attacks/r-fgsm.ts';
import { AttackRun, type Result, type RunOptions } from '../../../stages/numerics/attacks/run-attacks.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { logitsAt, runToEnd, SHAPE, SIZE, smoothClassifier, someImages } from '../../support/attacks.ts';

/** All but the time, which the machine decides. */
const lasting = (results: Result[]) => results.map(({ seconds: _, ...rest }) => rest);

/** What was asked of an oracle, call by call. */
interface Call {
  loss: Query['loss'];
  size: number;
}

/** One value per image, two classes: class 1 from 0 upwards. The gradient of every loss is 1. */
function lineOracle(calls: Call[] = []): Oracle {
  return {
    shape: [1],
    classes: 2,
    ask(questions) {
      calls.push({ loss: questions[0]!.query.loss, size: questions.length });
      expect(new Set(questions.map(({ query }) => query.loss)).size).toBe(1);
      return questions.map(({ query: { x, loss } }) => ({
        logits: Float32Array.of(0, x[0]!),
        loss: loss === null ? Number.NaN : x[0]!,
        gradient: Float32Array.from(loss === null ? [] : [1]),
      }));
    },
    dispose() {},
  };
}

/** Images at −1, −2, … of class 0, in a ball that holds 0 for all of them. */
function lineProblem(image: number, attempt: number): Problem {
  return {
    image: Float32Array.of(-1 - image),
    shape: [1],
    label: 0,
    target: null,
    cleanLogits: Float32Array.of(0, -1 - image),
    norm: norms.Linf,
    eps: 100,
    box: null,
    random: randomStream(image, attempt),
  };
}

/** Asks so often, each time for one kind of answer, and then returns a point. */
const asking = (
  times: (problem: Problem) => number,
  end: (problem: Problem) => number,
  loss: Query['loss'] = null,
): Attack =>
  function* (problem) {
    for (let i = 0; i < times(problem); i++) yield { x: problem.image, loss };
    const x = Float32Array.of(end(problem));
    return { x, isAdversarial: x[0]! > 0 };
  };
const never = (times: number) =>
  asking(
    () => times,
    ({ image }) => image[0]!,
  );
const always = (times: number, at = 1) =>
  asking(
    () => times,
    () => at,
  );

describe('a run of attacks on a classifier', () => {
  const COUNT = 60;
  let oracle: Oracle;
  let images: Float32Array;
  let labels: number[];
  let clean: Float32Array[];

  beforeAll(() => {
    registerGradients();
    oracle = smoothClassifier(5);
    images = someImages(COUNT);
    clean = logitsAt(
      oracle,
      Array.from({ length: COUNT }, (_, i) => images.subarray(i * SIZE, (i + 1) * SIZE)),
    );
    labels = clean.map(classOf);
  });

  const attempts: Attack[] = [
    rFgsm(),
    pgd({ steps: 4, stepSize: 0.02, randomStart: true }),
    pgd({ steps: 7, stepSize: 0.01, randomStart: true, loss: 'dlr' }),
  ];
  const attack = (options: RunOptions, count = COUNT) => {
    const problemOf = problemsOf({
      images,
      labels,
      shape: SHAPE,
      norm: norms.Linf,
      eps: 0.04,
      box: [0, 1],
      randomOf: (image, attempt) => randomStream('start', image, attempt),
    });
    return runToEnd(count, attempts, oracle, problemOf, options);
  };

  it.each(['first', 'nearest'] as const)(
    'has the same results to the last bit for every batch size, keeping the %s',
    (keep) => {
      const expected = lasting(attack({ batchSize: 16, keep }));
      for (const batchSize of [1, 7, 64, 500]) {
        expect(lasting(attack({ batchSize, keep }))).toEqual(expected);
      }
      const fallen = expected.filter(({ isAdversarial }) => isAdversarial);
      expect(fallen.length).toBeGreaterThan(5);
      expect(fallen.length).toBeLessThan(COUNT - 5);
      expect(new Set(fallen.map(({ attempt }) => attempt)).size).toBeGreaterThan(1);
    },
  );

  it('has for each image the result that it has without the others', () => {
    expect(lasting(attack({ batchSize: 16 }, 9))).toEqual(lasting(attack({ batchSize: 16 })).slice(0, 9));
  });

  it('finds with `nearest` what is no farther than with `first`', () => {
    const [first, nearest] = [attack({ batchSize: 16 }), attack({ batchSize: 16, keep: 'nearest' })];
    const distanceOf = (result: Result, i: number) =>
      norms.Linf.distance(images.subarray(i * SIZE, (i + 1) * SIZE), result.x);
    first.forEach((result, i) => {
      expect(nearest[i]!.isAdversarial).toBe(result.isAdversarial);
      if (result.isAdversarial) expect(distanceOf(nearest[i]!, i)).toBeLessThanOrEqual(distanceOf(result, i));
    });
  });
});

describe('the attempts at an image', () => {
  it('count from the first one that succeeds, whichever ends first', () => {
    // The second attempt is over long before the first; the third never counts.
    const attempts = [always(50, 3), always(2, 2), always(1, 1)];
    const results = runToEnd(2, attempts, lineOracle(), lineProblem, { batchSize: 100 });
    expect(lasting(results)).toEqual(
      [0, 1].map(() => ({
        x: Float32Array.of(3),
        isAdversarial: true,
        attempt: 0,
        queries: 50,
        gradients: 0,
        broken: 0,
      })),
    );
  });

  it('are not made, or given up, once an earlier one has succeeded', () => {
    const calls: Call[] = [];
    const attempts = [never(2), always(3), never(1000)];
    runToEnd(1, attempts, lineOracle(calls), lineProblem, { batchSize: 1 });
    // Two climbs are kept going for each point of a batch: the third attempt starts when the first has ended.
    expect(calls.length).toBeLessThan(12);
  });

  it('leave the outcome of the first where all fail', () => {
    const failing = (at: number) =>
      asking(
        () => 2,
        () => -at,
      );
    const [result] = runToEnd(1, [failing(5), failing(6)], lineOracle(), lineProblem);
    expect(lasting([result!])).toEqual([
      { x: Float32Array.of(-5), isAdversarial: false, attempt: 0, queries: 4, gradients: 0, broken: 0 },
    ]);
  });

  it('are all made with `nearest`, and the nearest point of those that succeed counts', () => {
    const attempts = [always(1, 9), never(2), always(3, 4), always(4, 4)];
    const results = runToEnd(1, attempts, lineOracle(), lineProblem, { batchSize: 2, keep: 'nearest' });
    expect(lasting(results)).toEqual([
      { x: Float32Array.of(4), isAdversarial: true, attempt: 2, queries: 10, gradients: 0, broken: 0 },
    ]);
  });

  it('may end without a question', () => {
    const results = runToEnd(3, [never(0), always(0)], lineOracle(), lineProblem, { batchSize: 2 });
    expect(results.map(({ attempt, queries }) => [attempt, queries])).toEqual([1, 1, 1].map((n) => [n, 0]));
  });
});

describe('what a run tells', () => {
  it('counts each image once as settled, and all of them in the end', () => {
    const attempts = [
      asking(
        ({ image }) => -image[0]!,
        ({ image }) => image[0]! + 3,
      ),
      always(2),
    ];
    const run = new AttackRun(9, attempts, lineOracle(), lineProblem, { batchSize: 2 });
    const seen = [run.settled];
    while (run.step()) seen.push(run.settled);
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(9);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(run.step()).toBe(false);
  });

  it('counts the questions of an image, with and without gradients, however they were batched', () => {
    const mixed: Attack = function* (problem) {
      for (let i = 0; i < 5; i++) yield { x: problem.image, loss: i % 2 === 0 ? 'ce' : null };
      return { x: problem.image, isAdversarial: false };
    };
    for (const batchSize of [1, 3, 100]) {
      const results = runToEnd(4, [mixed, mixed], lineOracle(), lineProblem, { batchSize });
      expect(results.map(({ queries, gradients }) => [queries, gradients])).toEqual(
        [0, 1, 2, 3].map(() => [10, 6]),
      );
    }
  });

  it('shares the time out among the images', () => {
    const started = performance.now();
    const results = runToEnd(5, [never(20)], lineOracle(), lineProblem, { batchSize: 2 });
    const elapsed = (performance.now() - started) / 1000;
    const sum = results.reduce((total, { seconds }) => total + seconds, 0);
    expect(results.every(({ seconds }) => seconds > 0)).toBe(true);
    expect(sum).toBeLessThanOrEqual(elapsed);
  });

  it('keeps batches full until there is nothing left to start', () => {
    const calls: Call[] = [];
    // Climbs of 1 to 13 questions.
    const uneven = asking(
      ({ image }) => 1 + ((-image[0]! * 7) % 13),
      ({ image }) => image[0]!,
      'ce',
    );
    runToEnd(64, [uneven], lineOracle(calls), lineProblem, { batchSize: 8 });
    const sizes = calls.map(({ size }) => size);
    expect(Math.max(...sizes)).toBe(8);
    expect(sizes.length - sizes.findIndex((size) => size < 8)).toBeLessThanOrEqual(13);
  });
});

describe('answers that are no numbers', () => {
  const withNan = (of: 'logits' | 'gradient'): Oracle => {
    const line = lineOracle();
    return {
      ...line,
      ask: (questions) =>
        line.ask(questions).map((answer) => {
          answer[of].fill(of === 'logits' ? Number.NaN : Number.POSITIVE_INFINITY);
          return answer;
        }),
    };
  };
  const climb = pgd({ steps: 3, stepSize: 1, randomStart: false });

  it('lead nothing astray, are counted, and leave the point where it was', () => {
    const [result] = runToEnd(1, [climb], withNan('logits'), lineProblem);
    expect(result).toMatchObject({ isAdversarial: false, queries: 4, gradients: 3, broken: 4 });
    const [lame] = runToEnd(1, [climb], withNan('gradient'), lineProblem);
    expect(lame).toMatchObject({ isAdversarial: false, x: Float32Array.of(-1), broken: 3 });
  });

  it('are told apart from another class', () => {
    const label = { label: 0, target: null };
    expect(isLedAstray([Number.NaN, 1], label)).toBe(false);
    expect(isLedAstray([1, Number.NaN], label)).toBe(false);
    expect(isLedAstray([Number.NaN, 1], { label: 0, target: 1 })).toBe(false);
    expect(isLedAstray([0, Number.POSITIVE_INFINITY], label)).toBe(true);
    expect(isLedAstray([1, 1], label)).toBe(false);
    expect(isLedAstray([1, 1], { label: 1, target: null })).toBe(true);
    expect(isLedAstray([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], label)).toBe(false);
  });
});

describe('a randomised classifier', () => {
  it('sees each point disturbed by image, attempt and query alone, and the attack sees its own', () => {
    const runs = [1, 3, 50].map((batchSize) => {
      const seen: string[] = [];
      const disturbed: RunOptions = {
        batchSize,
        disturb(x, image, attempt, query) {
          seen.push(`${image}/${attempt}/${query}`);
          x[0] = x[0]! + randomStream(image, attempt, query).uniform();
        },
      };
      const results = runToEnd(4, [never(3), never(2)], lineOracle(), lineProblem, disturbed);
      return { seen: seen.sort(), results: lasting(results) };
    });
    expect(runs[0]!.seen).toHaveLength(4 * 5);
    expect(new Set(runs[0]!.seen).size).toBe(4 * 5);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    // The points themselves are untouched.
    expect(runs[0]!.results.map(({ x }) => x[0])).toEqual([-1, -2, -3, -4]);
  });
});
