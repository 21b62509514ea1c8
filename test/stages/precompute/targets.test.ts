/** Targets towards images, each kind against a plain computation of its definition. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { classifierFeatures, type Features, pixelFeatures } from '../../../stages/precompute/features.ts';
import { nearestNeighbor } from '../../../stages/precompute/nearest-neighbor.ts';
import { findNearest } from '../../../stages/precompute/nearest-search.ts';
import { classMean, oneImage } from '../../../stages/precompute/representatives.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { readModelWeights } from '../../../store/model-files.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { datasetArtifact } from '../../support/stage-context.ts';
import { CLASSES, COUNT, rowOf as row, SHAPE, SIZE, smallDataset, targetsOf } from './fixture.ts';

let dataset: Dataset;

beforeAll(async () => {
  dataset = await smallDataset();
});

const image = (index: number) => [...dataset.train.slice(index, 1)];
const members = (label: number) =>
  Array.from({ length: COUNT }, (_, i) => i).filter((i) => i % CLASSES === label);
const squaredDistance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, j) => sum + (value - b[j]!) ** 2, 0);

describe('class mean', () => {
  it('points from each image to the mean of each class', async () => {
    const found = await targetsOf(classMean(dataset), 10, 5);
    for (let label = 0; label < CLASSES; label++) {
      const ofClass = members(label);
      const mean = image(0).map((_, j) => ofClass.reduce((sum, i) => sum + image(i)[j]!, 0) / ofClass.length);
      row(found, 3, label).forEach((value, j) => {
        expect(value).toBeCloseTo(mean[j]! - image(13)[j]!, 6);
      });
    }
  });

  it('gives the rows of the classes that are asked for, and only those', async () => {
    const all = await targetsOf(classMean(dataset), 0, 2);
    const some = await targetsOf(classMean(dataset), 0, 2, Uint16Array.of(2, 0, 1, 2));
    expect([...some]).toEqual([...row(all, 0, 2), ...row(all, 0, 0), ...row(all, 1, 1), ...row(all, 1, 2)]);
  });
});

describe('one image', () => {
  it('points to the same member of the class for all images, another one for another seed', async () => {
    const found = await targetsOf(oneImage(dataset, 0), 0, 6);
    const target = (i: number, label: number) =>
      row(found, i, label).map((value, j) => Math.round((value + image(i)[j]!) * 255));
    for (let label = 0; label < CLASSES; label++) {
      for (let i = 1; i < 6; i++) expect(target(i, label)).toEqual(target(0, label));
      expect(members(label).map((i) => image(i).map((v) => Math.round(v * 255)))).toContainEqual(
        target(0, label),
      );
    }
    const descriptions = new Set(Array.from({ length: 8 }, (_, seed) => oneImage(dataset, seed).description));
    expect(descriptions.size).toBeGreaterThan(1);
  });
});

describe('nearest neighbour', () => {
  it('equals a brute-force search in double precision, never the image itself', async () => {
    const found = await targetsOf(nearestNeighbor(dataset, pixelFeatures(dataset), 1), 0, COUNT);
    for (let i = 0; i < COUNT; i++) {
      for (let label = 0; label < CLASSES; label++) {
        const candidates = members(label).filter((k) => k !== i);
        const distance = (k: number) => squaredDistance(image(k), image(i));
        const best = candidates.reduce((a, b) => (distance(b) < distance(a) ? b : a));
        row(found, i, label).forEach((value, j) => {
          expect(value).toBeCloseTo(image(best)[j]! - image(i)[j]!, 6);
        });
      }
    }
    expect(row(found, 4, 1).every((value) => value === 0)).toBe(true);
  });

  it('is zero towards a class of which the image is the only member', async () => {
    const images = Uint8Array.from([1, 2, 3, 4, 5, 6]);
    const labels = Uint16Array.from([0, 0, 1]);
    const small = await readDataset(await datasetArtifact([1, 2, 1], 2, { images, labels }));
    const maker = nearestNeighbor(small, pixelFeatures(small), 1);
    const found = await targetsOf(maker, 0, 3, Uint16Array.of(0, 1, 0, 1, 0, 1));
    expect([...found.subarray(2 * 4 + 2)]).toEqual([0, 0]);
    expect([...found.subarray(0, 2)].every((value) => value !== 0)).toBe(true);
  });

  it('points to the mean of the nearest where several are wanted, of all where the class has fewer', async () => {
    const found = await targetsOf(nearestNeighbor(dataset, pixelFeatures(dataset), 3), 20, 1);
    const nearest = members(1)
      .sort((a, b) => squaredDistance(image(a), image(20)) - squaredDistance(image(b), image(20)))
      .slice(0, 3);
    row(found, 0, 1).forEach((value, j) => {
      const mean = nearest.reduce((sum, k) => sum + image(k)[j]!, 0) / 3;
      expect(value).toBeCloseTo(mean - image(20)[j]!, 6);
    });
    const all = await targetsOf(nearestNeighbor(dataset, pixelFeatures(dataset), 500), 20, 1);
    const means = await targetsOf(classMean(dataset), 20, 1);
    row(all, 0, 0).forEach((value, j) => {
      expect(value).toBeCloseTo(row(means, 0, 0)[j]!, 6);
    });
  });

  it('searches among the features of a classifier, and still points in pixels', async () => {
    const model = await modelFolder({
      network: { kind: 'mlp', hidden: [5] },
      shape: SHAPE,
      classes: CLASSES,
    });
    const features = await classifierFeatures(dataset, { model, layer: 'penultimate' });
    expect(features.width).toBe(5);
    const vector = (i: number) => features.gather(Uint32Array.of(i));
    const found = await targetsOf(nearestNeighbor(dataset, features, 1), 30, 1);
    const best = members(2).reduce((a, b) =>
      squaredDistance(vector(b), vector(30)) < squaredDistance(vector(a), vector(30)) ? b : a,
    );
    row(found, 0, 2).forEach((value, j) => {
      expect(value).toBeCloseTo(image(best)[j]! - image(30)[j]!, 6);
    });
  });
});

describe('features of a classifier', () => {
  it('are what enters its last dense layer, by hand', async () => {
    const model = await modelFolder({
      network: { kind: 'mlp', hidden: [5] },
      shape: SHAPE,
      classes: CLASSES,
    });
    const [hidden, logits] = await Promise.all(
      (['penultimate', 'logits'] as const).map((layer) => classifierFeatures(dataset, { model, layer })),
    );
    const layout = [
      { name: 'fc1.weight', shape: [SIZE, 5] },
      { name: 'fc1.bias', shape: [5] },
      { name: 'fc2.weight', shape: [5, CLASSES] },
      { name: 'fc2.bias', shape: [CLASSES] },
    ].map(({ name, shape }) => ({ name, shape: [...shape].reverse() }));
    const { flat } = await readModelWeights(model, layout);
    const h = [...hidden!.gather(Uint32Array.of(9))];
    expect(h.every((value) => value >= 0)).toBe(true);
    // fc2 as PyTorch keeps it, [classes, inputs], behind fc1's weights and biases.
    const from = SIZE * 5 + 5;
    const expected = Array.from({ length: CLASSES }, (_, c) =>
      h.reduce((sum, value, k) => sum + value * flat[from + c * 5 + k]!, flat[from + CLASSES * 5 + c]!),
    );
    logits!.gather(Uint32Array.of(9)).forEach((value, c) => {
      expect(value).toBeCloseTo(expected[c]!, 5);
    });
  });

  it('need a classifier of such data that ends in a dense layer, unless its logits are meant', async () => {
    const wrong = await modelFolder({
      network: { kind: 'mlp', hidden: [5] },
      shape: [2, 5, 1],
      classes: CLASSES,
    });
    await expect(classifierFeatures(dataset, { model: wrong, layer: 'logits' })).rejects.toThrow(
      `Expected precompute.features to be a classifier for inputs [2,6,1] in 3 classes, as the data set made has them, found one for inputs [2,5,1] in 3 classes in ${wrong}; choose a classifier of these data.`,
    );
    const layers = [{ kind: 'conv', channels: 3 }, 'global-avg-pool'];
    const model = await modelFolder({ network: { kind: 'cnn', layers }, shape: SHAPE, classes: CLASSES });
    await expect(classifierFeatures(dataset, { model, layer: 'penultimate' })).rejects.toThrow(
      `Expected precompute.features.model to be a classifier that ends in a dense layer, found that the one in ${model} ends in conv1.weight; set precompute.features.layer to logits, or choose another classifier.`,
    );
    expect((await classifierFeatures(dataset, { model, layer: 'logits' })).width).toBe(3);
    const planned = { model, fingerprint: 'other', layer: 'logits' as const };
    await expect(classifierFeatures(dataset, planned)).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });
});

describe('the search', () => {
  /** Vectors so close to each other, and so far from the origin, that float32 cannot tell which is nearest. */
  function crowded(count: number, width: number): Features {
    const random = randomStream(3, 'crowded');
    const values = Float32Array.from({ length: count * width }, () => 1000 + random.integer(3) / 64);
    const gather = (images: Uint32Array) =>
      Float32Array.from({ length: images.length * width }, (_, i) => {
        return values[images[Math.floor(i / width)]! * width + (i % width)]!;
      });
    return { name: 'crowded', width, gather };
  }

  it('is exact where float32 is blind, over several blocks, and takes the lower index of equals', () => {
    const [count, width, wanted] = [5000, 24, 4];
    const features = crowded(count, width);
    const members = Uint32Array.from({ length: count }, (_, i) => i);
    const queries = Uint32Array.of(0, 77, 2500, 4999);
    const found = findNearest(features, queries, members, wanted);
    let ties = 0;
    queries.forEach((query, i) => {
      const own = features.gather(Uint32Array.of(query));
      const distances = Float64Array.from(members, (member) =>
        squaredDistance(own, features.gather(Uint32Array.of(member))),
      );
      const order = [...members].filter((member) => member !== query);
      order.sort((a, b) => distances[a]! - distances[b]! || a - b);
      const expected = order.slice(0, wanted);
      expect([...found.members.subarray(i * wanted, (i + 1) * wanted)]).toEqual(expected);
      const nearest = [...found.distances.subarray(i * wanted, (i + 1) * wanted)];
      expect(nearest).toEqual(expected.map((member) => distances[member]!));
      if (new Set(nearest).size < wanted) ties += 1;
    });
    expect(ties).toBeGreaterThan(0);
  });

  it('never gathers more vectors at a time than fit into 16 MB', () => {
    const width = 3072;
    let largest = 0;
    const gather = (images: Uint32Array) => {
      largest = Math.max(largest, images.length * width * 4);
      return Float32Array.from({ length: images.length * width }, (_, i) => images[Math.floor(i / width)]!);
    };
    const members = Uint32Array.from({ length: 1500 }, (_, i) => i);
    const found = findNearest({ name: 'counting', width, gather }, members.subarray(5, 7), members, 2);
    expect([...found.members]).toEqual([4, 6, 5, 7]);
    expect(largest).toBeGreaterThan(15e6);
    expect(largest).toBeLessThanOrEqual(16 << 20);
  });
});
