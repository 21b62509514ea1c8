/** What every attack promises, whatever its method: call `attackContract` in the attack's own test. */
import { describe, expect, it } from 'vitest';
import { type Attack, classOf, isLedAstray, type Problem } from '../../stages/numerics/attacks/attack.ts';
import { type Norm, norms } from '../../stages/numerics/attacks/norms.ts';
import { makeOracle, type Oracle } from '../../stages/numerics/attacks/oracle.ts';
import type { ProblemOf, Result } from '../../stages/numerics/attacks/run-attacks.ts';
import { registerGradients } from '../../stages/numerics/gradients/register.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { logitsAt, runToEnd, SHAPE, SIZE, smoothClassifier, someImages } from '../support/attacks.ts';
import { tf } from '../support/engine.ts';

/** What differs from one attack to another. */
export interface Promises {
  /** @default Linf and L2 */
  norms?: readonly Norm['name'][];
  /** Whether it can be asked to reach a class. @default false */
  targeted?: boolean;
  /** Classes that a classifier must have at least. @default 2 */
  fewestClasses?: number;
  /** Whether an ε as wide as the images are apart leads most of them astray. @default true */
  isStrong?: boolean;
}

const CLASSES = 5;
const COUNT = 9;

/** ε at which some of the images fall. */
const EPS: Record<Norm['name'], number> = { Linf: 0.1, L2: 0.5, L1: 2 };
/** ε at which most do. */
const LARGE: Record<Norm['name'], number> = { Linf: 0.5, L2: 4, L1: 16 };

interface Setting {
  eps: number;
  norm: Norm['name'];
  oracle?: Oracle;
  /** The images, each [size]. */
  images?: Float32Array[];
  box?: Problem['box'];
  batchSize?: number;
  /** In place of what the classifier names. */
  labelOf?(image: number): number;
  targetOf?(label: number): number;
}

/**
 * @param make the attack for an ε; of few steps, as each case runs it
 */
export function attackContract(name: string, make: (eps: number) => Attack, promises: Promises = {}): void {
  const { norms: names = ['Linf', 'L2'], targeted = false, fewestClasses = 2, isStrong = true } = promises;
  registerGradients();
  const usual = smoothClassifier(CLASSES);
  const pictures = rows(someImages(COUNT));

  /** Runs the attack and checks what holds for every outcome. */
  function run(setting: Setting): { results: Result[]; problems: Problem[] } {
    const { eps, norm, oracle = usual, images = pictures, box = [0, 1], batchSize = 4 } = setting;
    const clean = logitsAt(oracle, images);
    const labels = clean.map((logits, i) => setting.labelOf?.(i) ?? Math.max(0, classOf(logits)));
    const problemOf: ProblemOf = (i, attempt) => ({
      image: images[i]!.slice(),
      shape: SHAPE,
      label: labels[i]!,
      target: setting.targetOf?.(labels[i]!) ?? null,
      cleanLogits: clean[i]!,
      norm: norms[norm],
      eps,
      box,
      random: randomStream('contract', i, attempt),
    });
    const problems: Problem[] = [];
    const results = runToEnd(
      images.length,
      [make(eps)],
      oracle,
      (i, attempt) => {
        problems[i] = problemOf(i, attempt);
        return problems[i];
      },
      { batchSize },
    );
    const ends = logitsAt(
      oracle,
      results.map(({ x }) => x),
    );
    results.forEach(({ x, isAdversarial }, i) => {
      const problem = problems[i]!;
      expect(problem.image, 'the clean image is left alone').toEqual(images[i]);
      expect(x).toHaveLength(SIZE);
      expect(x.every(Number.isFinite), 'every value is finite').toBe(true);
      // A rounding of each value to 32 bits.
      const slack = 1e-6 * (norm === 'L1' ? 10 : 1);
      expect(norms[norm].distance(images[i]!, x), 'inside the ball').toBeLessThanOrEqual(eps + slack);
      if (box !== null)
        expect(
          x.every((value) => value >= box[0] && value <= box[1]),
          'in the box',
        ).toBe(true);
      if (isAdversarial) expect(isLedAstray(ends[i]!, problem), 'astray where it says so').toBe(true);
    });
    return { results, problems };
  }

  describe(`contract of ${name}`, () => {
    describe.each(names)('%s', (norm) => {
      const [eps, large] = [EPS[norm], LARGE[norm]];

      it('stays inside ball and box, and says astray only where the classifier is', () => {
        run({ norm, eps });
        run({ norm, eps: large });
      });

      it.runIf(isStrong)('leads most images astray when ε is large', () => {
        const { results } = run({ norm, eps: large });
        expect(results.filter(({ isAdversarial }) => isAdversarial).length).toBeGreaterThan(COUNT / 2);
      });

      it('gives the same bytes again, one image at a time or many', () => {
        const [first, again, single, all] = [4, 4, 1, 50].map((batchSize) => {
          const { results } = run({ norm, eps, batchSize });
          return results.map(({ seconds: _, ...result }) => result);
        });
        expect(again).toEqual(first);
        expect(single).toEqual(first);
        expect(all).toEqual(first);
      });

      it('gives an image in a batch of one what it gives it among others', () => {
        const { results: among } = run({ norm, eps });
        const { results: alone } = run({ norm, eps, images: [pictures[0]!] });
        expect(alone[0]!.x).toEqual(among[0]!.x);
      });

      it('leaves every image where it is at ε 0', () => {
        const { results } = run({ norm, eps: 0 });
        results.forEach(({ x, isAdversarial }, i) => {
          expect(x).toEqual(pictures[i]);
          expect(isAdversarial).toBe(false);
        });
      });

      it('takes images that are wrong already, and returns points of their balls', () => {
        const labelOf = (i: number) => (classOf(logitsAt(usual, [pictures[i]!])[0]!) + 1) % CLASSES;
        run({ norm, eps, labelOf });
        run({ norm, eps: 0, labelOf });
      });

      it('does without a box', () => {
        run({ norm, eps: large, box: null });
      });

      it('takes images of one value, also on the edge of the box', () => {
        const images = [0, 0.5, 1].map((value) => new Float32Array(SIZE).fill(value));
        run({ norm, eps, images });
      });

      it('ends where the classifier is flat, and has led nothing astray', () => {
        const oracle = classifier((x) => tf.add(tf.mul(x, 0), tf.tensor1d([2, 1, 0, 0, 0])));
        const { results } = run({ norm, eps, oracle });
        expect(results.filter(({ isAdversarial }) => isAdversarial)).toEqual([]);
        oracle.dispose();
      });

      it('ends where the classifier answers NaN, and has led nothing astray', () => {
        const oracle = classifier((x) => tf.add(x, Number.NaN));
        const { results } = run({ norm, eps, oracle });
        expect(results.filter(({ isAdversarial }) => isAdversarial)).toEqual([]);
        oracle.dispose();
      });

      it(`takes a classifier of ${fewestClasses} classes`, () => {
        const oracle = smoothClassifier(fewestClasses);
        run({ norm, eps: large, oracle });
        oracle.dispose();
      });

      it.runIf(targeted)('goes for the class that it is told to reach', () => {
        const targetOf = (label: number) => (label + 1) % CLASSES;
        const { results, problems } = run({ norm, eps: large, targetOf });
        expect(problems.every(({ target }) => target !== null)).toBe(true);
        if (isStrong) expect(results.some(({ isAdversarial }) => isAdversarial)).toBe(true);
      });
    });
  });
}

/** Five logits made of the first five values of an image. */
function classifier(f: (x: tf.Tensor) => tf.Tensor): Oracle {
  const logitsOf = (x: tf.Tensor) =>
    f(tf.slice(tf.reshape(x, [-1, SIZE]), [0, 0], [-1, CLASSES])) as tf.Tensor2D;
  return makeOracle(logitsOf, SHAPE, CLASSES);
}

function rows(values: Float32Array): Float32Array[] {
  return Array.from({ length: values.length / SIZE }, (_, i) => values.slice(i * SIZE, (i + 1) * SIZE));
}
