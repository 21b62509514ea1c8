import { basename, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runDataset } from '../../../stages/dataset/run.ts';
import { datasetStage } from '../../../stages/dataset/stage.ts';
import { drawToy } from '../../../stages/dataset/toy.ts';
import { readDataset } from '../../../store/dataset-artifact.ts';
import { madeByPython } from '../../store/datasets/python-fixtures.ts';
import { configOf, contextOf } from '../../support/stage-context.ts';

describe('the dataset stage', () => {
  it('writes USPS as bytes for [0, 1], whole or its first images', async () => {
    const context = contextOf(configOf({ dataset: { name: 'usps', trainImages: 100, testImages: 7 } }), {});
    await runDataset(context);
    const { info, train, test, size } = await readDataset(context.directory);
    expect(info).toMatchObject({
      name: 'usps',
      shape: [16, 16, 1],
      box: [0, 1],
      trainCount: 100,
      testCount: 7,
    });
    expect([train.count, test.count, size]).toEqual([100, 7, 256]);
    const values = train.slice(0, 100);
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(Math.max(...values)).toBe(1);
  });

  it('refuses a part that lacks a class', async () => {
    const context = contextOf(configOf({ dataset: { name: 'usps', trainImages: 3 } }), {});
    await expect(runDataset(context)).rejects.toThrow(
      /^Expected training images of every class of usps, found none of [\d, ]+ among the first 3; raise dataset\.trainImages\.$/,
    );
  });
});

describe('arrays that lack images', () => {
  const run = async (images: object) => {
    const { folder } = await madeByPython(`
for name, labels in json.loads('${JSON.stringify(images)}').items():
    np.savez(name, images=bytes_of(len(labels), 4, 4), labels=np.array(labels, np.int64))
open('classes.txt', 'w').write('a\\nb\\nc\\n')`);
    const config = configOf({ dataset: { name: 'numpy', folder: basename(folder) } });
    await runDataset({ ...contextOf(config, {}), dataDirectory: dirname(folder) });
  };

  it('of a class are refused', async () => {
    await expect(run({ train: [0, 1, 1], test: [0] })).rejects.toThrow(
      'Expected training images of every class of numpy, found none of c among all 3; name the classes to be used in dataset.classes.',
    );
  });

  it.each([
    ['train', { train: [], test: [0] }],
    ['test', { train: [0, 1, 2], test: [] }],
    ['validation', { train: [0, 1, 2], test: [0], val: [] }],
  ])('of the split %s are refused', async (split, images) => {
    await expect(run(images)).rejects.toThrow(
      `Expected at least one image in each split of numpy, found none in ${split}; add some, or choose other classes in dataset.classes.`,
    );
  });
});

describe('a part of the images', () => {
  const run = async (settings: object) => {
    const context = contextOf(configOf({ dataset: { name: 'usps', ...settings } }), {});
    await runDataset(context);
    return readDataset(context.directory);
  };

  it('is held out in the proportions of the classes, balanced and cut', async () => {
    const whole = await run({});
    const { info, train, validation, test } = await run({
      validation: { images: 729 },
      perClass: 30,
      testImages: 50,
      seed: 1,
    });
    expect([info.trainCount, info.validationCount, info.testCount]).toEqual([300, 729, 50]);
    const { statistics } = info;
    expect(statistics!.train!.counts).toEqual(new Array(10).fill(30));
    statistics!.validation!.counts!.forEach((count, digit) => {
      expect(Math.abs(count - whole.info.statistics!.train!.counts![digit]! / 10)).toBeLessThan(1);
    });
    const pictures = (split: typeof train) =>
      Array.from({ length: split.count }, (_, i) => Buffer.from(split.slice(i, 1).buffer).toString('latin1'));
    const held = new Set(pictures(validation!));
    const all = new Set(pictures(whole.train));
    expect(pictures(train).filter((picture) => held.has(picture))).toEqual([]);
    expect([...held, ...pictures(train)].every((picture) => all.has(picture))).toBe(true);
    expect(pictures(test)).toEqual(pictures(whole.test).slice(0, 50));
  });

  it('has the chosen classes only, under new numbers', async () => {
    const { info, train, test } = await run({ classes: ['7', 2], trainImages: 40 });
    expect([info.classNames, info.trainCount]).toEqual([['7', '2'], 40]);
    expect(new Set([...train.labels, ...test.labels])).toEqual(new Set([0, 1]));
    expect(info.statistics!.test!.counts).toEqual([147, 198]);
  });

  it('cannot be unlabelled where all images have labels', async () => {
    await expect(run({ unlabelledImages: 3 })).rejects.toThrow(
      'Expected a data set with unlabelled images, as dataset.unlabelledImages asks for them, found usps, which has none.',
    );
  });

  it('makes other keys with other seeds only where something is drawn', () => {
    const part = (dataset: object) =>
      datasetStage.configPart(configOf({ dataset: { name: 'usps', ...dataset } }));
    expect(part({ seed: 1 })).toEqual(part({ seed: 2 }));
    expect(part({ seed: 1, perClass: 5 })).not.toEqual(part({ seed: 2, perClass: 5 }));
  });
});

describe('the toy set', () => {
  const { geometry } = configOf({ dataset: { name: 'toy' } }).dataset;
  const toy = drawToy({ name: 'toy', geometry, seed: 4 });

  it('has three modes of 1,000 points in each class, alternating, every point on the line x2 = 2 x1', () => {
    const { images, labels } = toy.train;
    expect(labels).toHaveLength(6000);
    const along = Array.from(labels, (_, i) => (images[2 * i]! + 2 * images[2 * i + 1]!) / Math.sqrt(5));
    for (let i = 0; i < 6000; i++)
      expect(Math.abs(images[2 * i + 1]! - 2 * images[2 * i]!)).toBeLessThan(1e-4);
    for (let mode = 0; mode < 6; mode++) {
      const points = along.slice(1000 * mode, 1000 * mode + 1000);
      const mean = points.reduce((sum, t) => sum + t, 0) / 1000;
      const deviation = Math.sqrt(points.reduce((sum, t) => sum + (t - mean) ** 2, 0) / 1000);
      expect(Math.abs(mean - 40 * (mode - 2.5))).toBeLessThan(5 / Math.sqrt(1000));
      expect(Math.abs(deviation - 1)).toBeLessThan(5 / Math.sqrt(2000));
      expect(new Set(labels.slice(1000 * mode, 1000 * mode + 1000))).toEqual(new Set([mode % 2]));
    }
  });

  it('is drawn anew by another seed, and its test points are not its training points', () => {
    expect(drawToy({ name: 'toy', geometry, seed: 4 }).train.images).toEqual(toy.train.images);
    expect(drawToy({ name: 'toy', geometry, seed: 5 }).train.images).not.toEqual(toy.train.images);
    expect(toy.test.labels).toHaveLength(600);
    expect(toy.test.images.slice(0, 2)).not.toEqual(toy.train.images.slice(0, 2));
  });
});
