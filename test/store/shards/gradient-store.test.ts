import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PipelineError } from '../../../schemas/errors.ts';
import {
  CODEC_NAMES,
  type GradientStoreInfo,
  type ShardRecord,
  shardRecordSchema,
} from '../../../schemas/gradient-store.ts';
import { type GradientRow, openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { openGradientWriter } from '../../../store/shards/gradient-writer.ts';
import { readSummary } from '../../../store/shards/store-summary.ts';
import {
  allRows,
  classesOf,
  contentOf,
  gradientsOf,
  isSame,
  sizeOf,
  storeInfo,
  uniform,
  writeMissing,
} from './sample-stores.ts';
import { makeStore, temporaryFolder } from './temporary-stores.ts';

async function readRows(directory: string, rows: GradientRow[], size: number): Promise<Float32Array> {
  const reader = await openGradientReader(directory);
  const out = new Float32Array(rows.length * size).fill(Number.NaN);
  await reader.read(rows, out).finally(() => reader.close());
  return out;
}

async function readRecord(directory: string, shard: number): Promise<ShardRecord> {
  return shardRecordSchema.parse(
    JSON.parse(await readFile(join(directory, `shard-0000${shard}.json`), 'utf8')),
  );
}

/** Largest 1 − cos over rows, in double precision. */
function worstLoss(a: Float32Array, b: Float32Array, size: number): number {
  let worst = 0;
  for (let start = 0; start < a.length; start += size) {
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = start; i < start + size; i++) {
      ab += a[i]! * b[i]!;
      aa += a[i]! * a[i]!;
      bb += b[i]! * b[i]!;
    }
    worst = Math.max(worst, 1 - ab / Math.sqrt(aa * bb));
  }
  return worst;
}

const BOUNDS = { float32: 1e-12, float16: 1e-6, int8: 1e-3 };
const SHAPES: Record<string, Partial<GradientStoreInfo>> = {
  'a short last shard': {},
  'shards of equal size': { images: 8 },
  'one shard that is not full': { images: 3 },
  'one image': { images: 1 },
  'one image per shard': { images: 4, shardImages: 1 },
  'one target': { targets: 1 },
  'gradients of one value': { shape: [1] },
  'points of the plane': { shape: [2], images: 100, targets: 2, shardImages: 64 },
  'a whole number of int8 blocks': { shape: [8, 8, 1] },
  'several record batches per shard': { shape: [128, 128, 1], images: 11, targets: 4, shardImages: 9 },
};

test.each(CODEC_NAMES.flatMap((codec) => Object.keys(SHAPES).map((name) => [codec, name] as const)))(
  '%s gives back what was written: %s',
  async (codec, name) => {
    const { directory, info, gradients } = await makeStore({ ...SHAPES[name], codec });
    const read = await readRows(directory, allRows(info), sizeOf(info));
    expect(worstLoss(gradients, read, sizeOf(info))).toBeLessThanOrEqual(BOUNDS[codec]);
    if (codec === 'float32') expect(isSame(read, gradients)).toBe(true);
  },
);

test.each(CODEC_NAMES)(
  '%s: rows in random order, with repeats, equal those of a sequential read',
  async (codec) => {
    const { directory, info } = await makeStore({ codec, images: 70, targets: 5, shardImages: 16 });
    const size = sizeOf(info);
    const ordered = await readRows(directory, allRows(info), size);
    const next = uniform(4);
    const rows = Array.from({ length: 500 }, () => ({
      image: Math.floor(next() * info.images),
      target: Math.floor(next() * info.targets),
    }));
    const random = await readRows(directory, rows, size);
    const expected = rows.flatMap(({ image, target }) => {
      const row = image * info.targets + target;
      return Array.from(ordered.subarray(row * size, (row + 1) * size));
    });
    expect(Array.from(random)).toEqual(expected);
  },
);

test.each(CODEC_NAMES.flatMap((codec) => [false, true].map((checked) => [codec, checked] as const)))(
  '%s: the batches of a store are its rows in order, checked before: %s',
  async (codec, checked) => {
    const { directory, info } = await makeStore({
      ...SHAPES['several record batches per shard'],
      codec,
      classes: 9,
      targetClasses: 'listed',
    });
    const size = info.targets * sizeOf(info);
    const ordered = await readRows(directory, allRows(info), sizeOf(info));
    const reader = await openGradientReader(directory);
    if (checked) await reader.read(allRows(info), new Float32Array(info.images * size));
    let images = 0;
    for await (const batch of reader.batches()) {
      expect(batch.first).toBe(images);
      const next = images + batch.images;
      expect(isSame(batch.gradients, ordered.subarray(images * size, next * size))).toBe(true);
      expect(batch.classes).toEqual(classesOf(info).subarray(images * info.targets, next * info.targets));
      images = next;
    }
    expect(images).toBe(info.images);
    await reader.close();
  },
);

test('a read of no rows does nothing', async () => {
  const { directory } = await makeStore();
  expect(await readRows(directory, [], 60)).toEqual(new Float32Array(0));
});

test('many reads at once through one reader, of more shards than may be open, do not disturb each other', async () => {
  const { directory, info } = await makeStore({ images: 140, shardImages: 1, shape: [3], codec: 'float32' });
  const reader = await openGradientReader(directory);
  const gradients = gradientsOf(info);
  const next = uniform(9);
  const reads = Array.from({ length: 20 }, async () => {
    const rows = Array.from({ length: 250 }, () => ({ image: Math.floor(next() * 140), target: 1 }));
    const out = new Float32Array(rows.length * 3);
    await reader.read(rows, out);
    const expected = rows.flatMap(({ image }) =>
      Array.from(gradients.subarray((image * 3 + 1) * 3, (image * 3 + 2) * 3)),
    );
    expect(Array.from(out)).toEqual(expected);
  });
  await Promise.all(reads);
  const openFiles = (await readdir('/proc/self/fd')).length;
  expect(openFiles).toBeLessThan(128 + 100);
  await reader.close();
});

test('the same gradients give the same bytes, whatever was written before', async () => {
  const { directory, info, gradients } = await makeStore();
  const other = await temporaryFolder();
  const writer = await openGradientWriter(other, info);
  const imageValues = info.targets * sizeOf(info);
  for (const shard of [2, 0, 1, 0]) {
    const { first, count } = writer.imagesOf(shard);
    await writer.write(shard, gradients.slice(first * imageValues, (first + count) * imageValues));
  }
  await writer.finish();
  expect(await contentOf(other)).toEqual(await contentOf(directory));
});

test('the record of a shard is what the writer returns, and says what the codec lost', async () => {
  const info = storeInfo({ codec: 'int8', shardImages: 10 });
  const directory = await temporaryFolder();
  const gradients = gradientsOf(info);
  const record = await (await openGradientWriter(directory, info)).write(0, gradients);
  expect(await readRecord(directory, 0)).toEqual(record);
  const read = await readRows(directory, allRows(info), sizeOf(info));
  expect(record.worstCosineLoss).toBeCloseTo(worstLoss(gradients, read, sizeOf(info)), 9);
  expect(record.meanCosineLoss).toBeGreaterThan(0);
  expect(record.meanCosineLoss).toBeLessThan(record.worstCosineLoss);
});

test('the summary of a store weighs what the codec lost over its shards', async () => {
  const { directory, info, gradients } = await makeStore({ codec: 'int8' });
  const summary = await readSummary(directory);
  const read = await readRows(directory, allRows(info), sizeOf(info));
  expect(summary).toMatchObject({ shards: 3, rows: 30 });
  expect(summary.worstCosineLoss).toBeCloseTo(worstLoss(gradients, read, sizeOf(info)), 9);
  const records = await Promise.all([0, 1, 2].map((shard) => readRecord(directory, shard)));
  expect(summary.bytes).toBe(records.reduce((sum, { bytes }) => sum + bytes, 0));
  const [a, b, c] = records.map((record) => record.meanCosineLoss);
  expect(summary.meanCosineLoss).toBeCloseTo(0.4 * a! + 0.4 * b! + 0.2 * c!, 15);
});

test('a store is not summarised before its last shard, and its summary is named when it is lost', async () => {
  const { directory, info } = await makeStore();
  const refused = (file: string, what: string, again: string) => ({
    code: 'ARTIFACT_DAMAGED',
    message: `Expected ${file} of the gradient store ${directory} to describe ${what}, found that it is missing or does not. The next \`pipeline run\` computes ${again} again.`,
    place: { artifact: directory, files: [file] },
  });
  await rm(join(directory, 'shard-00001.json'));
  const writer = await openGradientWriter(directory, info);
  await expect(writer.finish()).rejects.toMatchObject(
    refused('shard-00001.json', 'a shard', 'only this shard'),
  );
  await rm(join(directory, 'summary.json'));
  await expect(readSummary(directory)).rejects.toMatchObject(
    refused('summary.json', 'the whole store', 'what is missing'),
  );
});

test('a store that lists its classes gives them back, whatever shards its images are in', async () => {
  const { directory, info } = await makeStore({ targetClasses: 'listed', classes: 60000, images: 70 });
  const expected = classesOf(info);
  const images = [69, 3, 3, 0, 12, 4];
  const reader = await openGradientReader(directory);
  const found = await reader.classesOf(images);
  expect(Array.from(found)).toEqual(
    images.flatMap((image) => [...expected.subarray(image * 3, image * 3 + 3)]),
  );
  await expect(reader.classesOf([70])).rejects.toThrow(
    new RangeError('Expected `image` to be a whole number from 0 to 69, got 70.'),
  );
  await reader.close();
});

test('where all classes are targets, slot k is class k', async () => {
  const { directory } = await makeStore();
  const reader = await openGradientReader(directory);
  expect(await reader.classesOf([9, 0])).toEqual(Uint16Array.of(0, 1, 2, 0, 1, 2));
  await reader.close();
});

test.each([
  ['listed', undefined, 'a class for each of 6 rows', 'none'],
  ['listed', 7, 'a class for each of 6 rows', '7'],
  ['all', 6, 'no classes', '6'],
] as const)(
  'a store whose classes are %s refuses %s of them',
  async (targetClasses, count, expected, got) => {
    const writer = await openGradientWriter(await temporaryFolder(), storeInfo({ targetClasses }));
    const classes = count === undefined ? undefined : new Uint16Array(count);
    await expect(writer.write(2, new Float32Array(360), classes)).rejects.toThrow(
      new RangeError(
        `Expected ${expected} with gradients of a store whose target classes are ${targetClasses}, got ${got}.`,
      ),
    );
  },
);

test('a class that the data set does not have is refused', async () => {
  const writer = await openGradientWriter(await temporaryFolder(), storeInfo({ targetClasses: 'listed' }));
  const classes = Uint16Array.of(0, 1, 2, 0, 3, 1);
  await expect(writer.write(2, new Float32Array(360), classes)).rejects.toThrow(
    new RangeError('Expected `classes` to be from 0 to 2, got 3.'),
  );
});

test('record batches hold whole images and about half a megabyte', async () => {
  const { directory, info } = await makeStore(SHAPES['several record batches per shard']!);
  const record = await readRecord(directory, 0);
  expect(record.batches.length).toBe(3);
  for (const batch of record.batches) {
    expect(batch.rows % info.targets).toBe(0);
    expect(batch.bytes).toBeLessThanOrEqual((512 << 10) + 1024);
  }
});

test('only shards that were not written are missing', async () => {
  const info = storeInfo();
  const directory = await temporaryFolder();
  const writer = await openGradientWriter(directory, info);
  expect(writer.shardCount).toBe(3);
  expect(writer.imagesOf(2)).toEqual({ first: 8, count: 2 });
  expect(await writer.missing()).toEqual([0, 1, 2]);
  await writer.write(1, gradientsOf(info).subarray(0, 4 * 3 * 60));
  expect(await writer.missing()).toEqual([0, 2]);
});

test.each([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])('a gradient with %s is refused and nothing is left of its shard', async (name, value) => {
  const info = storeInfo();
  const directory = await temporaryFolder();
  const writer = await openGradientWriter(directory, info);
  const gradients = gradientsOf(info).subarray(0, 4 * 3 * 60);
  gradients[(2 * 3 + 1) * 60 + 17] = value;
  const error: PipelineError = await writer.write(1, gradients).then(
    () => expect.fail('it was written'),
    (error) => error,
  );
  expect(error.code).toBe('NOT_FINITE');
  expect(error.message).toBe(
    `Expected the gradient of image 6 towards target 1 to be finite, found ${name} at value 17 of 60 (gradient store ${directory}). Look at that image and at the score model, which may have diverged (a lower score.learningRate helps); finished shards are kept.`,
  );
  expect(await readdir(directory)).toEqual(['store.json']);
});

test('too few or too many gradients are refused', async () => {
  const writer = await openGradientWriter(await temporaryFolder(), storeInfo());
  await expect(writer.write(2, new Float32Array(361))).rejects.toThrow(
    new RangeError('Expected gradients of shard 2 to hold 2 images x 3 targets x 60 values, got 361 values.'),
  );
});

test('numbers out of range are refused', async () => {
  const { directory, info } = await makeStore();
  const writer = await openGradientWriter(directory, info);
  expect(() => writer.imagesOf(3)).toThrow(
    new RangeError('Expected `shard` to be a whole number from 0 to 2, got 3.'),
  );
  const reader = await openGradientReader(directory);
  const out = new Float32Array(60);
  await expect(reader.read([{ image: 10, target: 0 }], out)).rejects.toThrow(
    new RangeError('Expected `image` to be a whole number from 0 to 9, got 10.'),
  );
  await expect(reader.read([{ image: 0, target: -1 }], out)).rejects.toThrow(
    new RangeError('Expected `target` to be a whole number from 0 to 2, got -1.'),
  );
  await expect(reader.read([{ image: 0, target: 0 }], out.subarray(1))).rejects.toThrow(
    new RangeError('Expected `out` to have room for 1 x 60 values, got 59 values.'),
  );
  await reader.close();
  await expect(reader.read([{ image: 0, target: 0 }], out)).rejects.toThrow(
    new Error(`Expected ${join(directory, 'shard-00000.arrow')} to be read before its reader is closed.`),
  );
});

test('a store of a newer version is refused', async () => {
  const { directory, info } = await makeStore();
  await writeFile(join(directory, 'store.json'), JSON.stringify({ ...info, version: 3 }));
  const message = `Expected a gradient store of version 2 in ${directory}, found version 3. Use the version of pag-pipeline that wrote it, or another folder (--runs DIR).`;
  for (const open of [openGradientReader(directory), openGradientWriter(directory, info)]) {
    await expect(open).rejects.toMatchObject({ code: 'VERSION_NEWER', message });
  }
});

test('a store that is already there must be the same', async () => {
  const { directory, info, gradients } = await makeStore();
  expect(await writeMissing(directory, { ...info }, gradients)).toEqual([]);
  const was =
    '"description":"a test","images":10,"shape":[4,5,3],"shardImages":4,"targetClasses":"all","targets":3,"version":2}';
  await expect(openGradientWriter(directory, { ...info, codec: 'int8' })).rejects.toMatchObject({
    code: 'ARTIFACT_DAMAGED',
    message: `Expected store.json in ${directory} to say {"classes":3,"codec":"int8",${was}, found {"classes":3,"codec":"float16",${was}. Remove that folder; the next \`pipeline run\` computes it again.`,
    place: { artifact: directory, files: ['store.json'] },
  });
});

test.each([
  ['no file', null, 'no readable JSON'],
  ['half of it', '{"version": 2, "co', 'no readable JSON'],
  ['of an older version', '{"version": 1, "codec": "int8"}', 'one of version 1, which is no longer read'],
  [
    'of other targets than it has classes',
    JSON.stringify({ ...storeInfo(), classes: 4 }),
    'something else (`targets` must be `classes` where `targetClasses` is `all`)',
  ],
  [
    'a wrong codec',
    JSON.stringify({ ...storeInfo(), codec: 'int4' }),
    'something else (codec: Invalid option: expected one of "float32"|"float16"|"int8")',
  ],
  ['a number', '7', 'something else (Invalid input: expected object, received number)'],
])('store.json must describe a store, not be %s', async (_, content, found) => {
  const directory = await temporaryFolder();
  if (content !== null) await writeFile(join(directory, 'store.json'), content);
  await expect(openGradientReader(directory)).rejects.toMatchObject({
    code: 'ARTIFACT_DAMAGED',
    message: `Expected store.json in ${directory} to describe a gradient store of version 2, found ${found}. Remove that folder; the next \`pipeline run\` computes it again.`,
    place: { artifact: directory, files: ['store.json'] },
  });
});
