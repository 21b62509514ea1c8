import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DatasetInfo, RawSplit } from '../../schemas/dataset.ts';
import { readDataset, type Split, writeDataset } from '../../store/dataset-artifact.ts';
import { python } from '../support/python.ts';
import { uniform } from './shards/sample-stores.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const SHAPE = [40, 40, 3];
const SIZE = 4800;
const COUNTS = { train: 1000, test: 300, validation: 50, unlabelled: 20 };

const info: DatasetInfo = {
  name: 'made',
  shape: SHAPE,
  storage: 'uint8',
  box: [0, 1],
  classNames: ['a', 'b', 'c'],
  trainCount: COUNTS.train,
  testCount: COUNTS.test,
  validationCount: COUNTS.validation,
  unlabelledCount: COUNTS.unlabelled,
  sources: [],
  provenance: 'made for a test',
};

function randomSplit(count: number, seed: number): RawSplit {
  const next = uniform(seed);
  const images = Uint8Array.from({ length: count * SIZE }, () => next() * 200 + 10);
  const labels = Uint16Array.from({ length: count }, () => next() * 3);
  return { images, labels };
}

async function* inBlocks(images: Uint8Array) {
  for (let at = 0; at < images.length; at += 7 * SIZE) yield { images: images.subarray(at, at + 7 * SIZE) };
}

async function artifact() {
  const directory = await temporaryFolder();
  const train = { ...randomSplit(COUNTS.train, 1) };
  const regions = Float32Array.from({ length: 4 * COUNTS.train }, (_, i) => i / 2);
  const [test, validation] = [randomSplit(COUNTS.test, 2), randomSplit(COUNTS.validation, 3)];
  const { images } = randomSplit(COUNTS.unlabelled, 4) as { images: Uint8Array };
  await writeDataset(directory, info, {
    train: { ...train, regions },
    test,
    validation,
    unlabelled: { count: COUNTS.unlabelled, labels: null, hasRegions: false, blocks: inBlocks(images) },
  });
  return { directory, train, regions };
}

describe('a data set read from disk', () => {
  test('is the one that is held in memory', async () => {
    const { directory, regions } = await artifact();
    const held = await readDataset(directory);
    const onDisk = await readDataset(directory, { memoryBytes: 0 });
    for (const name of ['train', 'validation', 'test', 'unlabelled'] as const) {
      const [one, other] = [held[name] as Split, onDisk[name] as Split];
      expect(other.count).toBe(COUNTS[name]);
      expect(other.count).toBe(one.count);
      expect(other.labels).toEqual(one.labels);
      const isSame = (a: Float32Array, b: Float32Array) =>
        Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
      expect(isSame(other.slice(0, one.count), one.slice(0, one.count))).toBe(true);
      expect(isSame(other.slice(3, 11), one.slice(3, 11))).toBe(true);
      const order = Array.from({ length: one.count }, (_, i) => (i * 17) % one.count);
      expect(isSame(other.gather(order), one.gather(order))).toBe(true);
      const [a, b] = [new Float32Array(SIZE + 2), new Float32Array(SIZE + 2)];
      one.copyImage(5, a, 1);
      other.copyImage(5, b, 1);
      expect(isSame(b, a)).toBe(true);
    }
    expect([held.train.regions, onDisk.train.regions]).toEqual([regions, regions]);
    expect(held.unlabelled!.labels).toHaveLength(0);
  });

  test('notices a flipped bit in the batch that is touched, and only there', async () => {
    const { directory, train } = await artifact();
    const path = join(directory, 'train.arrow');
    const bytes = await readFile(path);
    const last = bytes.indexOf(train.images.subarray(999 * SIZE, 1000 * SIZE) as Uint8Array);
    bytes[last + 5]! ^= 16;
    await writeFile(path, bytes);
    const dataset = await readDataset(directory, { memoryBytes: 0 });
    expect(dataset.train.slice(0, 1)[0]).toBe(Math.fround(train.images[0]! / 255));
    const message = `Expected ${path} to be a table of images as the dataset stage writes it, found that its content has another CRC-32 than when it was written. Remove it and run \`pipeline run dataset\` to make it again.`;
    await expect((async () => dataset.train.gather([2, 998]))()).rejects.toMatchObject({
      code: 'DATA_DAMAGED',
      message,
    });
    expect(await thrownBy(readDataset(directory))).toEqual({ code: 'DATA_DAMAGED', message });
  });

  test('takes the small splits into memory first', async () => {
    const { directory, train } = await artifact();
    const dataset = await readDataset(directory, { memoryBytes: 370 * SIZE });
    for (const name of ['train', 'test'] as const) {
      const path = join(directory, `${name}.arrow`);
      const bytes = await readFile(path);
      bytes.fill(0, 4096, 8192);
      await writeFile(path, bytes);
    }
    expect(dataset.test.slice(0, 300)).toHaveLength(300 * SIZE);
    expect(() => dataset.train.slice(0, 1)).toThrow('another CRC-32');
    expect(train.images).toHaveLength(1000 * SIZE);
  });
});

test('statistics are those of numpy, over tables that pyarrow reads', async () => {
  const { directory } = await artifact();
  const { info } = await readDataset(directory);
  const script = `
import json, sys
import numpy as np, pyarrow as pa
out = {}
for name in ['train', 'validation', 'test', 'unlabelled']:
    table = pa.ipc.open_file(f'{sys.argv[1]}/{name}.arrow').read_all()
    images = np.stack(table['image'].to_numpy()).reshape(-1, 3) / 255
    out[name] = {k: getattr(images, k)(axis=0).tolist() for k in ['mean', 'std', 'min', 'max']}
    if 'label' in table.column_names:
        out[name]['counts'] = np.bincount(table['label'].to_numpy(), minlength=3).tolist()
print(json.dumps(out))`;
  const expected = JSON.parse(python(script, [directory])) as Record<string, Record<string, number[]>>;
  for (const name of ['train', 'validation', 'test', 'unlabelled'] as const) {
    const found = info.statistics![name]! as Record<string, number[]>;
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected[name]!).sort());
    for (const [key, values] of Object.entries(found)) {
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[name]![key]![i]!, 10);
      });
    }
  }
});

test('statistics of points are those of their values', async () => {
  const directory = await temporaryFolder();
  const images = Float32Array.from([100, 1, 104, 1, 102, 1, 110, 5]);
  const split = { images, labels: Uint16Array.from([0, 1, 1, 1]) };
  const points: DatasetInfo = { ...info, shape: [2], storage: 'float32', box: null, classNames: ['0', '1'] };
  await writeDataset(
    directory,
    { ...points, validationCount: undefined, unlabelledCount: undefined },
    {
      train: split,
      test: split,
    },
  );
  const { statistics } = (await readDataset(directory)).info;
  expect(statistics!.train).toEqual({
    counts: [1, 3],
    mean: [104, 2],
    std: [expect.closeTo(Math.sqrt(14), 12), expect.closeTo(Math.sqrt(3), 12)],
    min: [100, 1],
    max: [110, 5],
  });
});
