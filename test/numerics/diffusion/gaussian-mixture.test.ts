import { describe, expect, it } from 'vitest';
import {
  type GaussianMode,
  gaussianDenoiser,
  gaussianScore,
} from '../../../stages/numerics/diffusion/gaussian-mixture.ts';
import { python } from '../../support/python.ts';

/** In four dimensions: an isotropic mode, one of low rank with spread, and one with a full covariance. */
const mixture: GaussianMode[] = [
  { label: 0, mean: [0, 1, -1, 2], spread: 0.7, factors: [], weight: 2 },
  { label: 0, mean: [2, 0, 0, -1], spread: 0.3, factors: [[1, 0.5, 0, -0.4]] },
  {
    label: 1,
    mean: [-1, -1, 1, 0],
    spread: 0,
    factors: [
      [1, 0.2, 0.1, 0],
      [0, 0.8, -0.3, 0.2],
      [0, 0, 1.1, 0.4],
      [0, 0, 0, 0.6],
    ],
    weight: 0.5,
  },
];
const points = [
  [0.1, 0.4, -0.6, 1],
  [1.5, 0.2, 0.1, -0.8],
  [-0.5, -1, 0.5, 0.3],
];
const asked = [0.5, 2].flatMap((sigma) => [0, 1, null].map((label) => ({ sigma, label })));

/** Differences of SciPy's log density, with every covariance written out as a matrix. */
const script = `
import json, sys, numpy as np
from scipy.stats import multivariate_normal
from scipy.special import logsumexp
modes, points, asked = json.loads(sys.argv[1])
def density(x, sigma, label):
    chosen = [m for m in modes if label is None or m['label'] == label]
    def one(m):
        f = np.array(m['factors']).reshape(-1, 4)
        covariance = (m['spread'] ** 2 + sigma ** 2) * np.eye(4) + f.T @ f
        return np.log(m.get('weight', 1)) + multivariate_normal.logpdf(x, m['mean'], covariance)
    return logsumexp([one(m) for m in chosen])
def slope(x, sigma, label):
    h = 1e-5
    return [(density(x + h * e, sigma, label) - density(x - h * e, sigma, label)) / (2 * h) for e in np.eye(4)]
print(json.dumps([[slope(np.array(x), a['sigma'], a['label']) for x in points] for a in asked]))`;

describe('a mixture of Gaussians', () => {
  it('has the gradient of the log density as its score, by differences of SciPy’s', () => {
    const expected = JSON.parse(python(script, [JSON.stringify([mixture, points, asked])])) as number[][][];
    asked.forEach(({ sigma, label }, i) => {
      points.forEach((x, k) => {
        gaussianScore(mixture, x, sigma, label).forEach((value, axis) => {
          expect(value).toBeCloseTo(expected[i]![k]![axis]!, 7);
        });
      });
    });
  });

  it('is denoised to the mean of the data given the noisy point', () => {
    const [spread, sigma] = [0.7, 0.5];
    const one: GaussianMode[] = [{ label: 0, mean: [1, -2], spread, factors: [] }];
    const share = spread ** 2 / (spread ** 2 + sigma ** 2);
    const found = gaussianDenoiser(one, [3, 3], sigma, 0);
    expect(found[0]).toBeCloseTo(1 + share * 2, 12);
    expect(found[1]).toBeCloseTo(-2 + share * 5, 12);
  });
});
