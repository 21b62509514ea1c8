/** Each kind of target against a plain computation of its definition. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RawSplit } from '../../../schemas/dataset.ts';
import { denoise, type ScoreModel } from '../../../stages/numerics/diffusion/denoise.ts';
import { makePreconditioning } from '../../../stages/numerics/diffusion/preconditioning/registry.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import { loadParameters, parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { nearestNeighbor } from '../../../stages/precompute/nearest-neighbor.ts';
import { classMean, oneImage } from '../../../stages/precompute/representatives.ts';
import { learnedScore } from '../../../stages/precompute/score-based.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { datasetArtifact } from '../../support/stage-context.ts';

const SIZE = 12;
const CLASSES = 3;
const COUNT = 60;
let dataset: Dataset;
const nothing = async () => {};

beforeAll(async () => {
  registerGradients();
  const random = randomStream(7, 'data');
  const images = Uint8Array.from({ length: COUNT * SIZE }, () => random.integer(256));
  // A copy of image 4 in its own class, so that the nearest neighbour is at distance zero.
  images.copyWithin(7 * SIZE, 4 * SIZE, 5 * SIZE);
  const split: RawSplit = { images, labels: Uint16Array.from({ length: COUNT }, (_, i) => i % CLASSES) };
  dataset = await readDataset(await datasetArtifact([2, 6, 1], CLASSES, split));
});

const image = (index: number) => [...dataset.train.slice(index, 1)];
const row = (values: Float32Array, i: number, label: number) => [
  ...values.subarray((i * CLASSES + label) * SIZE, (i * CLASSES + label + 1) * SIZE),
];

describe('class mean', () => {
  it('points from each image to the mean of each class', async () => {
    const found = await classMean(dataset).compute(10, 5, nothing);
    for (let label = 0; label < CLASSES; label++) {
      const members = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i % CLASSES === label);
      const mean = image(0).map((_, j) => members.reduce((sum, i) => sum + image(i)[j]!, 0) / members.length);
      row(found, 3, label).forEach((value, j) => {
        expect(value).toBeCloseTo(mean[j]! - image(13)[j]!, 6);
      });
    }
  });
});

describe('one image', () => {
  it('points to the same member of the class for all images, another one for another seed', async () => {
    const found = await oneImage(dataset, 0).compute(0, 6, nothing);
    const target = (i: number, label: number) =>
      row(found, i, label).map((value, j) => Math.round((value + image(i)[j]!) * 255));
    for (let label = 0; label < CLASSES; label++) {
      for (let i = 1; i < 6; i++) expect(target(i, label)).toEqual(target(0, label));
      const members = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i % CLASSES === label);
      expect(members.map((i) => image(i).map((v) => Math.round(v * 255)))).toContainEqual(target(0, label));
    }
    const descriptions = new Set(Array.from({ length: 8 }, (_, seed) => oneImage(dataset, seed).description));
    expect(descriptions.size).toBeGreaterThan(1);
  });
});

describe('nearest neighbour', () => {
  it('equals a brute-force search in double precision, never the image itself', async () => {
    const found = await nearestNeighbor(dataset).compute(0, COUNT, nothing);
    for (let i = 0; i < COUNT; i++) {
      for (let label = 0; label < CLASSES; label++) {
        const candidates = Array.from({ length: COUNT }, (_, k) => k).filter(
          (k) => k % CLASSES === label && k !== i,
        );
        const distance = (k: number) =>
          image(k).reduce((sum, value, j) => sum + (value - image(i)[j]!) ** 2, 0);
        const best = candidates.reduce((a, b) => (distance(b) < distance(a) ? b : a));
        row(found, i, label).forEach((value, j) => {
          expect(value).toBeCloseTo(image(best)[j]! - image(i)[j]!, 6);
        });
      }
    }
    expect(row(found, 4, 1).every((value) => value === 0)).toBe(true);
  });

  it('is zero towards a class of which the image is the only member', async () => {
    const split: RawSplit = {
      images: Uint8Array.from([1, 2, 3, 4, 5, 6]),
      labels: Uint16Array.from([0, 0, 1]),
    };
    const small = await readDataset(await datasetArtifact([1, 2, 1], 2, split));
    const found = await nearestNeighbor(small).compute(0, 3, nothing);
    expect([...found.subarray(2 * 4 + 2)]).toEqual([0, 0]);
    expect([...found.subarray(0, 2)].every((value) => value !== 0)).toBe(true);
  });
});

describe('score-based targets', () => {
  let model: ScoreModel;
  const noise = { sigma: 0.8, draws: 2, seed: 5 };

  beforeAll(() => {
    const network = makeScoreNetwork({ kind: 'mlp', hidden: [16] }, [2, 6, 1], CLASSES);
    const flat = randomStream(1).fillNormal(new Float32Array(parameterCount(network.parameters)));
    const parameters = loadParameters(network.parameters, flat);
    const preconditioning = makePreconditioning({ kind: 'edm', sigmaData: 0.5 });
    model = { network, parameters, preconditioning, scale: { factor: 2, shift: -1 }, classes: CLASSES };
  });

  it('are the conditional minus the unconditional score at the same noisy image, averaged over draws', async () => {
    const found = await learnedScore(dataset, model, noise, 64).compute(20, 3, nothing);
    const index = 21;
    const score = (noisy: number[], oneHot: number[]) =>
      tf.tidy(() => {
        const x = tf.tensor(noisy, [1, 2, 6, 1]);
        const sigma = Float32Array.of(noise.sigma);
        const d = denoise(model, x, sigma, tf.tensor2d([oneHot]));
        return [...d.dataSync()].map((value, j) => (value - noisy[j]!) / noise.sigma ** 2);
      });
    const expected = new Float64Array(SIZE);
    for (let draw = 0; draw < noise.draws; draw++) {
      const random = randomStream(noise.seed, 'precompute-noise', index, draw);
      const noisy = image(index).map((value) => Math.fround(2 * value - 1) + noise.sigma * random.normal());
      const conditional = score(noisy, [0, 0, 1]);
      const unconditional = score(noisy, [0, 0, 0]);
      conditional.forEach((value, j) => {
        expected[j]! += (value - unconditional[j]!) / noise.draws;
      });
    }
    row(found, 1, 2).forEach((value, j) => {
      expect(value).toBeCloseTo(expected[j]!, 4);
    });
  });

  it('do not depend on the batch size, nor on the range that is asked for, beyond rounding', async () => {
    const whole = await learnedScore(dataset, model, noise, 256).compute(0, 30, nothing);
    const parts = await learnedScore(dataset, model, noise, 8).compute(13, 4, nothing);
    parts.forEach((value, j) => {
      expect(value).toBeCloseTo(whole[13 * CLASSES * SIZE + j]!, 4);
    });
  });
});
