/** The projection onto L1 ball and box against the official code's and against brute force. */
import { describe, expect, it } from 'vitest';
import { projectOntoL1Ball } from '../../../stages/numerics/attacks/l1-ball.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { referenceDirectory } from '../../support/reference.ts';

const { distance } = norms.L1;
const squared = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
};

/** The nearest point of ball and box [0, 1], by bisection in 64 bits. */
function exact(image: Float32Array, outside: Float32Array, eps: number): Float32Array {
  const v = Array.from(outside, (value, i) => value - image[i]!);
  const lengths = (alpha: number) =>
    v.map((length, i) =>
      Math.min(length > 0 ? 1 - image[i]! : image[i]!, Math.max(Math.abs(length) - alpha, 0)),
    );
  const isInside = (alpha: number) => lengths(alpha).reduce((sum, length) => sum + length, 0) <= eps;
  let [low, high] = [0, Math.max(...v.map(Math.abs))];
  if (isInside(0)) high = 0;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (isInside(middle)) high = middle;
    else low = middle;
  }
  return Float32Array.from(lengths(high), (length, i) => image[i]! + Math.sign(v[i]!) * length);
}

describe('the projection onto an L1 ball within a box', () => {
  it.skipIf(referenceDirectory === null)(
    'gives the points of the official code (needs ../shared/reference)',
    async () => {
      const { tensors } = await readTensors(`${referenceDirectory}/traces/trace_projections.safetensors`);
      for (const size of [8, 784]) {
        const values = (name: string) => tensors[`d${size}.${name}`]!.data as Float32Array;
        const eps = values('l1ball_eps')[0]!;
        for (let row = 0; row < 16; row++) {
          const part = (name: string) => values(name).slice(row * size, (row + 1) * size);
          const image = part('t');
          const expected = part('l1ball_delta').map((delta, i) => image[i]! + part('l1ball_y')[i]! + delta);
          const start = part('l1ball_y').map((y, i) => image[i]! + y);
          const found = projectOntoL1Ball(start.slice(), image, eps, [0, 1]);
          // The official code's own error, from its sums of 1,568 numbers of 32 bits; ours is held below.
          expect(norms.Linf.distance(found, expected)).toBeLessThan(5e-6);
          expect(norms.Linf.distance(found, exact(image, start, eps))).toBeLessThan(2e-7);
        }
      }
    },
  );

  it('finds no farther point than a search over a grid, in two dimensions', () => {
    const random = randomStream(1);
    for (let trial = 0; trial < 40; trial++) {
      const image = Float32Array.from([random.uniform(), random.uniform()]);
      const outside = image.map((value) => value + random.normal());
      const eps = 0.05 + 0.6 * random.uniform();
      const found = projectOntoL1Ball(outside.slice(), image, eps, [0, 1]);
      let least = Number.POSITIVE_INFINITY;
      const steps = 500;
      for (let i = 0; i <= steps; i++) {
        for (let j = 0; j <= steps; j++) {
          const point = Float32Array.from([i / steps, j / steps]);
          if (distance(image, point) <= eps) least = Math.min(least, squared(point, outside));
        }
      }
      expect(distance(image, found)).toBeLessThan(eps + 1e-6);
      expect(squared(found, outside)).toBeLessThan(least + 1e-6);
    }
  });

  it('holds the conditions that single out the nearest point, in many dimensions', () => {
    // Nearest in a convex set: no point of the set lies at an acute angle to the direction from it to the outside.
    const random = randomStream(2);
    for (const size of [1, 3, 100, 3072]) {
      for (const scale of [1e-3, 0.1, 1, 30]) {
        const image = Float32Array.from({ length: size }, () => Math.round(random.uniform() * 4) / 4);
        const outside = image.map((value) => value + scale * random.normal());
        const eps = 0.02 * size;
        const found = projectOntoL1Ball(outside.slice(), image, eps, [0, 1]);
        expect(distance(image, found)).toBeLessThan(eps * (1 + 1e-5));
        expect(found.every((value) => value >= 0 && value <= 1)).toBe(true);
        for (let other = 0; other < 20; other++) {
          const delta = norms.L1.randomPoint(image, eps, random);
          const point = delta.map((value) => Math.min(1, Math.max(0, value)));
          let product = 0;
          for (let i = 0; i < size; i++) product += (outside[i]! - found[i]!) * (point[i]! - found[i]!);
          expect(product).toBeLessThan(1e-5 * Math.max(1, scale) * size);
        }
      }
    }
  });

  it('leaves a point of both sets where it is, and knows a ball without a box', () => {
    const image = Float32Array.from([0.5, 0.5]);
    expect([...projectOntoL1Ball(Float32Array.from([0.625, 0.25]), image, 0.5, [0, 1])]).toEqual([
      0.625, 0.25,
    ]);
    expect([...projectOntoL1Ball(Float32Array.from([3.5, 1.5]), image, 1, null)]).toEqual([1.5, 0.5]);
    expect([...projectOntoL1Ball(Float32Array.from([1.5, 1.5]), image, 1, null)]).toEqual([1, 1]);
    expect([...projectOntoL1Ball(Float32Array.from([7, -7]), image, 0, [0, 1])]).toEqual([0.5, 0.5]);
  });

  it('keeps NaN, so that it is seen', () => {
    const image = Float32Array.from([0.5, 0.5]);
    expect(projectOntoL1Ball(Float32Array.from([Number.NaN, 0.5]), image, 0.1, [0, 1])[0]).toBeNaN();
  });
});

describe('the L1 norm', () => {
  it('draws points evenly from the ball: the length has the distribution of U^(1/n), no coordinate is special', () => {
    const [size, draws, eps] = [5, 4000, 2];
    const random = randomStream(3);
    const image = new Float32Array(size).fill(0.25);
    const levels: number[] = [];
    const sums = new Float64Array(size);
    for (let draw = 0; draw < draws; draw++) {
      const point = norms.L1.randomPoint(image, eps, random);
      levels.push((distance(image, point) / eps) ** size);
      point.forEach((value, i) => {
        sums[i]! += value - image[i]!;
      });
    }
    levels.sort((a, b) => a - b);
    // Kolmogorov and Smirnov, 0.1 %.
    const worst = Math.max(...levels.map((level, i) => Math.abs(level - (i + 0.5) / draws)));
    expect(worst).toBeLessThan(1.95 / Math.sqrt(draws));
    for (const sum of sums) expect(Math.abs(sum / draws)).toBeLessThan(0.05);
  });

  it('is steepest along the one coordinate that matters most', () => {
    expect([...norms.L1.steepest(Float32Array.from([1, -3, 2, 3]))]).toEqual([0, -1, 0, 0]);
    expect([...norms.L1.steepest(new Float32Array(3))]).toEqual([0, 0, 0]);
  });
});
