/** Confidence bounds against closed forms and tables; certificates of a linear classifier against its true radius. */
import { describe, expect, it } from 'vitest';
import { lowerBound } from '../../../stages/numerics/analyses/clopper-pearson.ts';
import {
  ABSTAIN,
  type Certificate,
  certify,
  countClasses,
  predictSmoothed,
  type Smoothed,
} from '../../../stages/numerics/analyses/smoothing.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../support/engine.ts';

/** P(X ≥ hits) of a binomial distribution, summed term by term. */
function upperTail(hits: number, draws: number, p: number): number {
  let logTerm = draws * Math.log1p(-p);
  let sum = 0;
  for (let k = 0; k <= draws; k++) {
    if (k >= hits) sum += Math.exp(logTerm);
    logTerm += Math.log((draws - k) / (k + 1)) + Math.log(p / (1 - p));
  }
  return sum;
}

describe('the Clopper-Pearson bound', () => {
  it('is 0 without hits, and α^(1/n) where all are hits', () => {
    expect(lowerBound(0, 100, 0.001)).toBe(0);
    for (const [n, alpha] of [
      [1, 0.05],
      [100, 0.001],
      [100_000, 0.001],
    ] as const) {
      expect(lowerBound(n, n, alpha)).toBeCloseTo(alpha ** (1 / n), 12);
    }
    expect(lowerBound(1, 1000, 0.001)).toBeCloseTo(1 - 0.999 ** (1 / 1000), 12);
  });

  it('gives the lower limits of published 95 % intervals (α 0.025 on each side)', () => {
    // Newcombe 1998, Statistics in Medicine 17, table I, method 5: 81 of 263, 15 of 148, 1 of 29.
    expect(lowerBound(81, 263, 0.025)).toBeCloseTo(0.2527, 4);
    expect(lowerBound(15, 148, 0.025)).toBeCloseTo(0.0578, 4);
    expect(lowerBound(1, 29, 0.025)).toBeCloseTo(0.0009, 4);
  });

  it('leaves exactly α above it', () => {
    for (const [hits, draws, alpha] of [
      [3, 10, 0.05],
      [90, 100, 0.001],
      [990, 1000, 0.001],
    ] as const) {
      expect(upperTail(hits, draws, lowerBound(hits, draws, alpha)) / alpha).toBeCloseTo(1, 8);
    }
  });
});

const counts = (...of: number[]) => Uint32Array.from(of);

describe('PREDICT', () => {
  it('rejects where the two-sided binomial test does', () => {
    // Five of five heads: p-value 2 / 2⁵ = 0.0625; six of six: 0.03125.
    expect(predictSmoothed(counts(0, 5, 0), 0.05)).toBe(ABSTAIN);
    expect(predictSmoothed(counts(0, 6, 0), 0.05)).toBe(1);
    expect(predictSmoothed(counts(50, 50, 0), 0.05)).toBe(ABSTAIN);
    for (let top = 51; top <= 90; top++) {
      const isSure = 2 * upperTail(top, top + 40, 0.5) <= 0.01;
      expect(predictSmoothed(counts(3, 40, top), 0.01)).toBe(isSure ? 2 : ABSTAIN);
    }
  });

  it('answers with the largest of many classes', () => {
    expect(predictSmoothed(counts(3, 900, 50, 47), 0.001)).toBe(1);
  });
});

describe('CERTIFY', () => {
  it('has the radius σ Φ⁻¹(p) of the bound, whose largest value follows from n', () => {
    const { prediction, radius, pLower } = certify(counts(0, 100), counts(0, 1000), {
      sigma: 0.5,
      alpha: 0.001,
    });
    expect(prediction).toBe(1);
    expect(pLower).toBeCloseTo(0.001 ** (1 / 1000), 12);
    // Φ⁻¹(0.993116) by the table of the normal distribution.
    expect(radius / 0.5).toBeCloseTo(2.4629, 3);
  });

  it('abstains where the class that was chosen is not surely named by more than half', () => {
    const half = { prediction: ABSTAIN, radius: 0 };
    expect(certify(counts(60, 40), counts(520, 480), { sigma: 1, alpha: 0.001 })).toMatchObject(half);
    // The choice was made before: another class that leads later is not certified.
    expect(certify(counts(60, 40), counts(10, 990), { sigma: 1, alpha: 0.001 })).toMatchObject(half);
  });
});

describe('a linear classifier, smoothed', () => {
  const w = [0.6, -1.2, 0.4];
  const length = Math.hypot(...w);
  const sigma = 0.7;
  const smoothed: Smoothed = {
    logitsOf: (x) => tf.matMul(x as tf.Tensor2D, tf.tensor2d(w.map((value) => [0, value]))) as tf.Tensor2D,
    classes: 2,
    shape: [3],
    sigma,
    batchSize: 512,
  };
  /** A point at a signed distance from the border, on the side of class 1. */
  const pointAt = (distance: number, seed = 0) => ({
    image: Float32Array.from(w, (value) => (value * distance) / length),
    randomOf: (draw: number) => randomStream(seed, 'smoothing', 0, draw),
  });
  const pause = async () => {};
  const Φ = (z: number) => {
    // Σ of the density by Simpson's rule, far from any library.
    const n = 2000;
    const f = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
    let sum = f(0) + f(z);
    for (let i = 1; i < n; i++) sum += (i % 2 === 1 ? 4 : 2) * f((z * i) / n);
    return 0.5 + (sum * z) / n / 3;
  };

  it('names its class with probability Φ(distance / σ)', async () => {
    for (const distance of [-0.5, 0.2, 1]) {
      const draws = 20_000;
      const found = await countClasses(smoothed, pointAt(distance), 0, draws, pause);
      const p = Φ(distance / sigma);
      expect(Math.abs(found[1]! / draws - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / draws));
    }
  });

  it('is certified up to its true distance from the border: close to it, and not further', async () => {
    const certificates: [number, Certificate][] = [];
    for (const distance of [-1.2, -0.5, 0.3, 0.8, 1.4]) {
      const chosen = await countClasses(smoothed, pointAt(distance), 0, 100, pause);
      const found = await countClasses(smoothed, pointAt(distance), 100, 20_000, pause);
      certificates.push([distance, certify(chosen, found, { sigma, alpha: 0.001 })]);
    }
    for (const [distance, { prediction, radius, pLower }] of certificates) {
      expect(prediction).toBe(distance > 0 ? 1 : 0);
      expect(pLower).toBeLessThan(Φ(Math.abs(distance) / sigma));
      expect(radius).toBeLessThan(Math.abs(distance));
      expect(radius).toBeGreaterThan(0.9 * Math.abs(distance));
    }
  });

  it('is certified beyond its true distance in at most a share α of the cases', async () => {
    let beyond = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const found = await countClasses(smoothed, pointAt(0.5, seed), 0, 200, pause);
      if (certify(found, found, { sigma, alpha: 0.1 }).radius > 0.5) beyond += 1;
    }
    // 20 expected at most; four deviations above that.
    expect(beyond).toBeLessThan(20 + 4 * Math.sqrt(18));
    expect(beyond).toBeGreaterThan(2);
  });

  it('is seen through the same noise in batches of any size, from any draw on', async () => {
    const whole = await countClasses(smoothed, pointAt(0.1), 0, 1000, pause);
    const parts = await Promise.all([
      countClasses({ ...smoothed, batchSize: 7 }, pointAt(0.1), 0, 300, pause),
      countClasses(smoothed, pointAt(0.1), 300, 700, pause),
    ]);
    expect(whole.map((_, label) => parts[0][label]! + parts[1][label]!)).toEqual(whole);
    const other = await countClasses(smoothed, pointAt(0.1, 1), 0, 1000, pause);
    expect(other).not.toEqual(whole);
  });
});
