/** Noise in the ball: how long it is, which pixels it changes, and when it counts. */
import { describe, expect, it } from 'vitest';
import type { Attack, Outcome, Problem } from '../../../stages/numerics/attacks/attack.ts';
import { gaussianNoise } from '../../../stages/numerics/attacks/gaussian-noise.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { saltAndPepper } from '../../../stages/numerics/attacks/salt-and-pepper.ts';
import { uniformNoise } from '../../../stages/numerics/attacks/uniform-noise.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';

const NAMES = ['Linf', 'L2', 'L1'] as const;
const RADII = { Linf: 0.1, L2: 1, L1: 5 };
const noises = { gaussianNoise, uniformNoise, saltAndPepper };

function problemOf(given: Partial<Problem> & Pick<Problem, 'norm'>): Problem {
  const random = randomStream('image');
  return {
    image: Float32Array.from({ length: 10 * 10 * 3 }, () => random.uniform()),
    shape: [10, 10, 3],
    label: 0,
    target: null,
    cleanLogits: new Float32Array(2),
    eps: RADII[given.norm.name],
    box: [0, 1],
    random: randomStream(1),
    ...given,
  };
}

/** All points asked about, and the outcome; `marginOf` is the margin of class 0. */
function drive(
  attack: Attack,
  problem: Problem,
  marginOf: (query: number) => number = () => 1,
): { points: Float32Array[]; outcome: Outcome } {
  const climb = attack(problem);
  const points: Float32Array[] = [];
  for (let step = climb.next(); ; ) {
    if (step.done) return { points, outcome: step.value };
    const logits = Float32Array.of(marginOf(points.push(step.value.x) - 1), 0);
    step = climb.next({ logits, loss: Number.NaN, gradient: new Float32Array(0) });
  }
}

describe.each(Object.entries(noises))('%s', (_, noise) => {
  it.each(NAMES)('never leaves ball and box, %s', (name) => {
    const problem = problemOf({ norm: norms[name] });
    const { points, outcome } = drive(noise(), problem);
    expect(points).toHaveLength(100);
    expect(outcome.isAdversarial).toBe(false);
    for (const x of points) {
      expect(norms[name].distance(problem.image, x)).toBeLessThan(problem.eps * (1 + 1e-6));
      expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...x)).toBeLessThanOrEqual(1);
    }
  });

  it('stops at the first draw that leads astray', () => {
    const { points, outcome } = drive(noise(), problemOf({ norm: norms.L2 }), (query) =>
      query === 36 ? -1 : 1,
    );
    expect(points).toHaveLength(37);
    expect(outcome).toEqual({ x: points[36], isAdversarial: true });
  });

  it('gives back the draw that came nearest where none leads astray', () => {
    const { points, outcome } = drive(noise({ draws: 20 }), problemOf({ norm: norms.L2 }), (query) =>
      Math.abs(query - 12.1),
    );
    expect(outcome).toEqual({ x: points[12], isAdversarial: false });
  });

  it('depends on the random numbers of the image alone', () => {
    const draws = (seed: number) =>
      drive(noise({ draws: 5 }), problemOf({ norm: norms.L2, random: randomStream(seed) })).points;
    expect(draws(3)).toEqual(draws(3));
    expect(draws(3)).not.toEqual(draws(4));
  });

  it('gives back the image where the ball has no room', () => {
    for (const name of NAMES) {
      const problem = problemOf({ norm: norms[name], eps: 0 });
      expect(norms.Linf.distance(problem.image, drive(noise(), problem).outcome.x)).toBeLessThan(1e-7);
    }
  });
});

describe.each([
  ['gaussianNoise', gaussianNoise],
  ['uniformNoise', uniformNoise],
] as const)('%s', (_, noise) => {
  it.each(NAMES)('is as long as the ball allows where no box cuts it, %s', (name) => {
    const problem = problemOf({ norm: norms[name], box: null });
    for (const x of drive(noise(), problem).points) {
      expect(norms[name].distance(problem.image, x) / problem.eps).toBeCloseTo(1, 5);
    }
  });
});

describe('the values of noise', () => {
  it('are normal, or evenly distributed, in shape', () => {
    const image = new Float32Array(30_000);
    // Kurtosis: 3 of the normal distribution, 9/5 of the uniform one.
    for (const [noise, kurtosis] of [
      [gaussianNoise, 3],
      [uniformNoise, 1.8],
    ] as const) {
      const { points } = drive(
        noise({ draws: 1 }),
        problemOf({ norm: norms.L2, image, shape: [100, 100, 3], box: null }),
      );
      const moment = (power: number) =>
        points[0]!.reduce((sum, value) => sum + value ** power, 0) / image.length;
      expect(Math.abs(moment(1)) / Math.sqrt(moment(2))).toBeLessThan(0.03);
      expect(Math.abs(moment(4) / moment(2) ** 2 - kurtosis)).toBeLessThan(0.15);
    }
  });
});

describe('salt and pepper', () => {
  const changed = (x: Float32Array, image: Float32Array) =>
    [...Array(100).keys()].filter((pixel) =>
      [0, 1, 2].some((channel) => x[3 * pixel + channel] !== image[3 * pixel + channel]),
    );

  it('changes from one pixel to all, in all channels, to black or white', () => {
    const problem = problemOf({ norm: norms.L2, eps: 100 });
    const { points } = drive(saltAndPepper({ draws: 5 }), problem);
    // Equal ratios from 1 to 100: the fourth root of 100.
    expect(points.map((x) => changed(x, problem.image).length)).toEqual([1, 3, 10, 32, 100]);
    for (const x of points) {
      for (const pixel of changed(x, problem.image)) {
        const values = new Set(x.subarray(3 * pixel, 3 * pixel + 3));
        expect([...values]).toHaveLength(1);
        expect([0, 1]).toContain([...values][0]);
      }
    }
    const colours = points[4]!.filter((_, i) => i % 3 === 0);
    const white = colours.reduce((sum, value) => sum + value, 0);
    expect(white).toBeGreaterThan(25);
    expect(white).toBeLessThan(75);
  });

  it('changes pixels by ε in L∞, and takes the range of the image where there is no box', () => {
    const image = new Float32Array(300).fill(0.5);
    image[0] = -3;
    image[1] = 7;
    const problem = problemOf({ norm: norms.Linf, image, box: null });
    const { points } = drive(saltAndPepper({ draws: 1 }), problem);
    const steps = new Set(points[0]!.subarray(3).map((value) => Math.abs(value - 0.5)));
    expect([...steps].every((step) => Math.abs(step - 0.1) < 1e-6)).toBe(true);
    const wide = drive(saltAndPepper({ draws: 1 }), { ...problem, eps: 100 }).points[0]!;
    expect(new Set(wide)).toEqual(new Set([-3, 7]));
  });
});
