/** Steps onto a hyperplane within the box: against the official code's, and against what makes a step the shortest. */
import { beforeAll, describe, expect, it } from 'vitest';
import { findMultiplier } from '../../../stages/numerics/attacks/hyperplane/multiplier.ts';
import { hyperplanes } from '../../../stages/numerics/attacks/hyperplane/registry.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { readTensors, type Tensor } from '../../../store/tensor-file.ts';
import { referenceDirectory } from '../../support/reference.ts';

const names = ['Linf', 'L2', 'L1'] as const;
const box = [0, 1] as const;

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);

const plus = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + b[i]!);

/** How far into the open the hyperplane can be met: Σ|w_i| · room_i on the side where it lies. */
function reachOf(point: Float32Array, w: Float32Array, excess: number): number {
  return point.reduce((sum, value, i) => sum + Math.abs(w[i]!) * (w[i]! * excess > 0 ? value : 1 - value), 0);
}

/** Random instances; in every third one half of the pixels lie on the box's faces and half of the weights are 0. */
function* instances(size: number, count: number) {
  for (let i = 0; i < count; i++) {
    const random = randomStream('hyperplane', size, i);
    const isFlat = i % 3 === 0;
    const point = new Float32Array(size).map(() => {
      const value = random.uniform();
      return isFlat && random.uniform() < 0.5 ? Math.round(value) : value;
    });
    const w = new Float32Array(size).map(() => (isFlat && random.uniform() < 0.5 ? 0 : random.normal()));
    const side = random.uniform() < 0.5 ? -1 : 1;
    yield { random, point, w, excess: side * random.uniform() * 0.98 * reachOf(point, w, side) };
  }
}

describe.each(names)('the step onto a hyperplane that is shortest in %s', (name) => {
  const { stepOnto, steepness } = hyperplanes[name];
  const { distance } = norms[name];

  it('ends on the hyperplane and in the box, and is as long as it says', () => {
    for (const size of [1, 2, 7, 100]) {
      for (const { point, w, excess } of instances(size, 60)) {
        const step = new Float32Array(size);
        const length = stepOnto(point, w, excess, box, step);
        const end = plus(point, step);
        expect(Math.abs(dot(w, step) + excess)).toBeLessThan(1e-6 * size);
        expect(Math.min(...end)).toBeGreaterThanOrEqual(-1e-7);
        expect(Math.max(...end)).toBeLessThanOrEqual(1 + 1e-7);
        expect(length).toBeCloseTo(distance(new Float32Array(size), step), 5);
      }
    }
  });

  it('is not longer than the way to any point of the hyperplane in the box', () => {
    for (const { random, point, w, excess } of instances(3, 200)) {
      const step = new Float32Array(3);
      const length = stepOnto(point, w, excess, box, step);
      for (let trial = 0; trial < 200; trial++) {
        // Two coordinates at random, the third from the hyperplane; far ones, and ones near the point that was found.
        const free = trial % 3;
        if (w[free] === 0) continue;
        const spread = trial % 2 === 0 ? 1 : 0.02;
        const other = step.map((value, i) =>
          spread === 1 ? random.uniform() - point[i]! : value + spread * random.normal(),
        );
        other[free] = 0;
        other[free] = -(excess + dot(w, other)) / w[free]!;
        const end = plus(point, other);
        if (end.some((value) => value < 0 || value > 1)) continue;
        expect(distance(point, end)).toBeGreaterThan(length - 1e-6);
      }
    }
  });

  it('is |w·x − b| / (dual norm of w) long where there is no box', () => {
    for (const { point, w, excess } of instances(50, 20)) {
      const step = new Float32Array(50);
      const length = stepOnto(point, w, excess, null, step);
      expect(length).toBeCloseTo(Math.abs(excess) / steepness(w), 5);
      expect(dot(w, step)).toBeCloseTo(-excess, 4);
    }
  });

  it('goes to the corner nearest to the hyperplane where the box does not reach it', () => {
    const point = Float32Array.of(0.25, 0.5, 0.75, 0.5);
    const w = Float32Array.of(1, -2, 0.5, 0);
    const step = new Float32Array(4);
    stepOnto(point, w, 100, box, step);
    expect([...plus(point, step)]).toEqual([0, 1, 0, 0.5]);
    stepOnto(point, w, -100, box, step);
    expect([...plus(point, step)]).toEqual([1, 0, 1, 0.5]);
  });

  it('leads nowhere from the hyperplane itself, and without a normal', () => {
    const point = Float32Array.of(0, 0.5, 1);
    const step = new Float32Array(3).fill(7);
    expect(stepOnto(point, Float32Array.of(1, -2, 0), 0, box, step)).toBe(0);
    expect([...step].map(Math.abs)).toEqual([0, 0, 0]);
    expect(stepOnto(point, new Float32Array(3), 1, box, step.fill(7))).toBe(0);
    expect([...step].map(Math.abs)).toEqual([0, 0, 0]);
  });

  it('reaches the hyperplane where many weights are equal', () => {
    const point = new Float32Array(64).fill(0.5);
    const w = new Float32Array(64).map((_, i) => (i % 2 === 0 ? 1 : -1));
    const step = new Float32Array(64);
    for (const excess of [0.3, -0.3, 5.25, 31.9]) {
      const length = stepOnto(point, w, excess, box, step);
      expect(dot(w, step)).toBeCloseTo(-excess, 5);
      expect(length).toBeCloseTo(Math.abs(excess) / { Linf: 64, L2: 8, L1: 1 }[name], 5);
    }
  });
});

describe('the multiplier', () => {
  const find = (caps: number[], gains: number[], total: number) =>
    findMultiplier(Float64Array.from(caps), Float64Array.from(gains), total);

  it('solves the sum on each of its pieces', () => {
    // Σ = λ · 6 up to 1, 1 + λ · 5 up to 2, 5 + λ · 3 up to 4.
    expect(find([1, 2, 4], [1, 2, 3], 3)).toBeCloseTo(0.5, 12);
    expect(find([1, 2, 4], [1, 2, 3], 8.5)).toBeCloseTo(1.5, 12);
    expect(find([1, 2, 4], [1, 2, 3], 14)).toBeCloseTo(3, 12);
  });

  it('is as large as can be where the caps are too low, and 0 where there are no gains', () => {
    expect(find([1, 2, 4], [1, 2, 3], 17.5)).toBe(Number.MAX_VALUE);
    expect(find([1, 2], [0, 0], 1)).toBe(0);
  });
});

describe.skipIf(referenceDirectory === null)(
  'steps onto hyperplanes of the official code (need ../shared/reference)',
  () => {
    let traces: Record<string, Tensor>;
    beforeAll(async () => {
      traces = (await readTensors(`${referenceDirectory}/traces/trace_projections.safetensors`)).tensors;
    });

    it.each(['d8', 'd784'])('are the same, %s', (size) => {
      const values = (key: string) => traces[`${size}.${key}`]!.data as Float32Array;
      const [rows, width] = traces[`${size}.t`]!.shape as [number, number];
      for (const name of names) {
        const expected = values(name.toLowerCase());
        let largest = 0;
        for (let row = 0; row < rows; row++) {
          const of = (list: Float32Array) => list.slice(row * width, (row + 1) * width);
          const [point, w] = [of(values('t')), of(values('w'))];
          const step = new Float32Array(width);
          hyperplanes[name].stepOnto(point, w, dot(w, point) - values('b')[row]!, box, step);
          largest = Math.max(largest, norms.Linf.distance(step, of(expected)));
        }
        expect(largest).toBeLessThan(2e-6);
      }
    });
  },
);
