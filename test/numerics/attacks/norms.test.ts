/** The threat models of one image: lengths, steepest directions, projections and random points, against their definitions. */
import { describe, expect, it } from 'vitest';
import { euclidean, intoBox, type Norm, norms } from '../../../stages/numerics/attacks/norms.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';

const all = Object.values(norms);
const SIZE = 40;

const draw = (...name: (string | number)[]) => randomStream(...name).fillNormal(new Float32Array(SIZE));
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const lengthOf = (norm: Norm, v: Float32Array) => norm.distance(new Float32Array(v.length), v);

describe('the length of a perturbation', () => {
  it('is that of the norm, whichever end it is taken from', () => {
    const [a, b] = [Float32Array.of(1, 2, 3), Float32Array.of(1, -1, 7)];
    expect([norms.Linf, norms.L2, norms.L1].map((norm) => norm.distance(a, b))).toEqual([4, 5, 7]);
    expect([norms.Linf, norms.L2, norms.L1].map((norm) => norm.distance(b, a))).toEqual([4, 5, 7]);
    expect(euclidean(Float32Array.of(3, -4))).toBe(5);
  });

  it.each(all)('$name: is not a number where a value is none, wherever it stands', (norm) => {
    for (const place of [0, 1, 2]) {
      const broken = Float32Array.of(1, 2, 3);
      broken[place] = Number.NaN;
      expect(norm.distance(Float32Array.of(5, 0, -5), broken)).toBeNaN();
    }
  });
});

describe.each(all)('$name: the steepest direction', (norm) => {
  it('has length 1, and no direction of length 1 climbs faster', () => {
    for (let trial = 0; trial < 20; trial++) {
      const gradient = draw('gradient', trial);
      const steepest = norm.steepest(gradient.slice());
      expect(lengthOf(norm, steepest)).toBeCloseTo(1, 5);
      const gain = dot(gradient, steepest);
      for (let other = 0; other < 200; other++) {
        const direction = draw('other', trial, other);
        const length = lengthOf(norm, direction);
        expect(dot(gradient, direction) / length).toBeLessThanOrEqual(gain + 1e-5);
      }
    }
  });

  it('is written over the gradient', () => {
    const gradient = draw('own');
    expect(norm.steepest(gradient)).toBe(gradient);
  });

  it('is zero where the gradient is', () => {
    expect([...norm.steepest(new Float32Array(3))].map(Math.abs)).toEqual([0, 0, 0]);
  });
});

describe.each(all)('$name: the projection', (norm) => {
  const image = randomStream('image')
    .fillNormal(new Float32Array(SIZE))
    .map((v) => 1 / (1 + Math.exp(-v)));

  it.each([null, [0, 1] as const])('lands in the ball and in the box %s', (box) => {
    for (let trial = 0; trial < 50; trial++) {
      const eps = [0.01, 0.3, 2, 20][trial % 4]!;
      const x = draw('far', trial).map((value) => 3 * value);
      const landed = norm.project(x, image, eps, box);
      expect(landed).toBe(x);
      expect(norm.distance(image, x)).toBeLessThanOrEqual(eps * (1 + 1e-5) + 1e-6);
      if (box !== null) expect(x.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
  });

  it('leaves alone what is inside', () => {
    const x = image.map((value, i) => value + (i === 3 ? 1e-3 : 0));
    expect(norm.project(x.slice(), image, 0.01, [0, 1])).toEqual(x);
    expect(norm.project(image.slice(), image, 0, null)).toEqual(image);
  });

  it('finds no point of the ball that is nearer to where it came from than any other, without a box', () => {
    for (let trial = 0; trial < 10; trial++) {
      const x = draw('from', trial);
      const landed = norm.project(x.slice(), image, 0.7, null);
      const away = norms.L2.distance(x, landed);
      for (let other = 0; other < 200; other++) {
        const point = norm.randomPoint(image, 0.7, randomStream('point', trial, other));
        expect(norms.L2.distance(x, point)).toBeGreaterThanOrEqual(away - 1e-5);
      }
    }
  });
});

describe.each(all)('$name: random points', (norm) => {
  it('fill the ball evenly: half of its volume holds half of them', () => {
    const size = 3;
    const image = Float32Array.of(5, -2, 0);
    const random = randomStream('evenly');
    const count = 4000;
    const eps = 0.5;
    let inner = 0;
    const mean = new Float64Array(size);
    for (let i = 0; i < count; i++) {
      const point = norm.randomPoint(image, eps, random);
      const length = norm.distance(image, point);
      expect(length).toBeLessThanOrEqual(eps + 1e-6);
      if (length < eps * 0.5 ** (1 / size)) inner += 1;
      for (let j = 0; j < size; j++) mean[j]! += (point[j]! - image[j]!) / count;
    }
    // Four standard deviations of a fair coin, and of a mean of values below ε.
    expect(Math.abs(inner / count - 0.5)).toBeLessThan(2 / Math.sqrt(count));
    for (const value of mean) expect(Math.abs(value)).toBeLessThan((4 * eps) / Math.sqrt(count));
  });

  it('leave the image alone and depend on the stream alone', () => {
    const image = draw('still');
    const before = image.slice();
    const [one, again] = [1, 2].map(() => norm.randomPoint(image, 0.3, randomStream('same')));
    expect(image).toEqual(before);
    expect(again).toEqual(one);
  });

  it('are the image itself at ε 0', () => {
    const image = draw('still');
    expect(norm.randomPoint(image, 0, randomStream(1))).toEqual(image);
  });
});

describe('the box', () => {
  it('clips from both sides, and is no matter where there is none', () => {
    const x = Float32Array.of(-1, 0.5, 2);
    expect([...intoBox(x.slice(), [0, 1])]).toEqual([0, 0.5, 1]);
    expect(intoBox(x, null)).toEqual(Float32Array.of(-1, 0.5, 2));
  });
});
