import { execFileSync } from 'node:child_process';
import { copyFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { expect, test } from 'vitest';
import { readImageTable, writeImageTable } from '../../../store/shards/image-table.ts';
import { normalArray, uniform } from './sample-stores.ts';
import { makeStore, temporaryFolder } from './temporary-stores.ts';

function sampleBytes(length: number, seed = 1): Uint8Array {
  const next = uniform(seed);
  return Uint8Array.from({ length }, () => next() * 256);
}

function sampleLabels(count: number, seed = 1): Uint16Array {
  return Uint16Array.from(sampleBytes(count, seed));
}

async function tablePath(): Promise<string> {
  return join(await temporaryFolder(), 'train.arrow');
}

const SPLITS = {
  'small images': { shape: [16, 16, 1], count: 100, storage: 'uint8' },
  'several record batches': { shape: [96, 96, 3], count: 200, storage: 'uint8' },
  'points of the plane': { shape: [2], count: 777, storage: 'float32' },
  'one image': { shape: [5, 7, 3], count: 1, storage: 'uint8' },
  'no image': { shape: [4], count: 0, storage: 'float32' },
} as const;

test.each(Object.entries(SPLITS))(
  'a table gives back what was written: %s',
  async (_, { shape, count, storage }) => {
    const path = await tablePath();
    const values = count * shape.reduce((size: number, side) => size * side, 1);
    const images = storage === 'uint8' ? sampleBytes(values) : normalArray(values, 1);
    const labels = sampleLabels(count, 2);
    await writeImageTable(path, { images, labels }, [...shape], storage);
    const read = await readImageTable(path);
    expect(read.shape).toEqual(shape);
    expect(read.labels).toEqual(labels);
    expect(read.images.constructor).toBe(images.constructor);
    expect(Buffer.from(read.images.buffer).equals(Buffer.from(images.buffer))).toBe(true);
  },
);

test('part of a larger array can be written', async () => {
  const path = await tablePath();
  const images = sampleBytes(100);
  const labels = sampleLabels(10, 2);
  await writeImageTable(
    path,
    { images: images.subarray(20, 80), labels: labels.subarray(2, 8) },
    [10],
    'uint8',
  );
  const read = await readImageTable(path);
  expect(read.images).toEqual(images.slice(20, 80));
  expect(read.labels).toEqual(labels.slice(2, 8));
});

test('the same split gives the same bytes', async () => {
  const [one, other] = [await tablePath(), await tablePath()];
  const split = { images: normalArray(300_000, 3), labels: sampleLabels(1000) };
  await writeImageTable(one, split, [300], 'float32');
  await writeImageTable(other, split, [300], 'float32');
  expect((await readFile(one)).equals(await readFile(other))).toBe(true);
});

test('the bytes do not depend on the blocks in which the images come', async () => {
  const [images, labels, regions] = [sampleBytes(3000 * 1000), sampleLabels(1000), normalArray(4000, 5)];
  const written: Buffer[] = [];
  for (const blockImages of [1, 7, 699, 1000]) {
    const path = await tablePath();
    async function* blocks() {
      for (let first = 0; first < 1000; first += blockImages) {
        const end = first + blockImages;
        yield {
          images: images.subarray(first * 3000, end * 3000),
          regions: regions.subarray(first * 4, end * 4),
        };
      }
    }
    await writeImageTable(
      path,
      { count: 1000, labels, hasRegions: true, blocks: blocks() },
      [10, 100, 3],
      'uint8',
    );
    written.push(await readFile(path));
    const read = await readImageTable(path);
    expect(Buffer.from(read.images.buffer).equals(Buffer.from(images.buffer))).toBe(true);
    expect([read.labels, read.regions]).toEqual([labels, regions]);
  }
  expect(written.every((bytes) => bytes.equals(written[0]!))).toBe(true);
});

test('blocks with too few or too many images are refused', async () => {
  const path = await tablePath();
  const writing = async (images: Uint8Array) => {
    async function* blocks() {
      yield { images };
    }
    return writeImageTable(
      path,
      { count: 3, labels: null, hasRegions: false, blocks: blocks() },
      [10],
      'uint8',
    );
  };
  await expect(writing(sampleBytes(20))).rejects.toThrow(
    new RangeError(`Expected more images for ${path}, got the end of the blocks.`),
  );
  await expect(writing(sampleBytes(40))).rejects.toThrow(
    new RangeError(`Expected the end of the blocks for ${path}, got more images.`),
  );
  await writing(sampleBytes(30));
  expect(await readImageTable(path)).toMatchObject({ images: sampleBytes(30), labels: new Uint16Array(0) });
});

test('images that do not go with the labels or the storage are refused', async () => {
  const path = await tablePath();
  const split = { images: sampleBytes(31), labels: sampleLabels(3) };
  await expect(writeImageTable(path, split, [2, 5], 'uint8')).rejects.toThrow(
    new RangeError(`Expected 3 images of 10 uint8 values for ${path}, got 31 uint8 values.`),
  );
  const bytes = { images: sampleBytes(30), labels: sampleLabels(3) };
  await expect(writeImageTable(path, bytes, [2, 5], 'float32')).rejects.toThrow(
    new RangeError(`Expected 3 images of 10 float32 values for ${path}, got 30 uint8 values.`),
  );
});

test('a folder that is not there is no place to write to', async () => {
  const path = join(await temporaryFolder(), 'nowhere', 'train.arrow');
  const split = { images: sampleBytes(30), labels: sampleLabels(3) };
  await expect(writeImageTable(path, split, [10], 'uint8')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a missing table is named', async () => {
  const path = await tablePath();
  await expect(readImageTable(path)).rejects.toMatchObject({
    code: 'DATA_MISSING',
    message: `Expected a table of images at ${path}, found no file. Run \`pipeline run dataset\` to make it again.`,
  });
});

const DAMAGES: Record<string, { damage(path: string): Promise<void>; found: string }> = {
  'a text': {
    damage: (path) => writeFile(path, 'label,image\n3,17\n'.repeat(9)),
    found: 'it does not end with ARROW1',
  },
  'an empty file': { damage: (path) => truncate(path, 0), found: 'it has only 0 bytes' },
  'a file that is cut off': { damage: (path) => truncate(path, 3000), found: 'it does not end with ARROW1' },
  'the end of a file': {
    damage: async (path) => writeFile(path, (await readFile(path)).subarray(-400)),
    found: 'its footer claims to have 440 bytes',
  },
  'a flipped bit in an image': {
    async damage(path) {
      const content = await readFile(path);
      content[5000]! ^= 1;
      await writeFile(path, content);
    },
    found: 'its content has another CRC-32 than when it was written',
  },
  'a flipped bit in a label': {
    async damage(path) {
      const content = await readFile(path);
      const labels = Buffer.from(Int32Array.from(sampleBytes(64)).buffer);
      content[content.indexOf(labels) + 6]! ^= 1;
      await writeFile(path, content);
    },
    found: `it has a label ${sampleBytes(64)[1]! + 65_536}, beyond 0 to 65535`,
  },
  'a shard of gradients': {
    async damage(path) {
      const { directory } = await makeStore({ codec: 'int8' });
      await copyFile(join(directory, 'shard-00000.arrow'), path);
    },
    found:
      'its columns are image: int32, target: int32, gradient: int8[60], scale: float32[1] instead of image: uint8[60], label: int32',
  },
  'a file that lost its middle': {
    async damage(path) {
      const content = await readFile(path);
      await writeFile(path, Buffer.concat([content.subarray(0, 200), content.subarray(9000)]));
    },
    found: 'its record batches do not lie where its footer says',
  },
  'an Arrow file of another program': {
    damage: (path) => writeFile(path, tableToIPC(tableFromArrays({ image: [1, 2], label: [3, 4] }), 'file')),
    found: 'its footer does not match its checksum',
  },
};

test.each(Object.entries(DAMAGES))('%s is not taken for a table', async (_, { damage, found }) => {
  const path = await tablePath();
  await writeImageTable(path, { images: sampleBytes(256 * 64), labels: sampleLabels(64) }, [16, 16], 'uint8');
  await damage(path);
  await expect(readImageTable(path)).rejects.toMatchObject({
    code: 'DATA_DAMAGED',
    message: `Expected ${path} to be a table of images as the dataset stage writes it, found that ${found}. Remove it and run \`pipeline run dataset\` to make it again.`,
  });
});

test('a flipped bit anywhere is noticed', async () => {
  const path = await tablePath();
  const images = sampleBytes(64 * 9);
  await writeImageTable(path, { images, labels: sampleLabels(9) }, [8, 8], 'uint8');
  const sound = await readFile(path);
  // Of the images, whose checksum has its own test, only the first and the last bytes.
  const imagesStart = sound.indexOf(images.subarray(0, 64));
  const positions = Array.from(sound.keys()).filter(
    (position) => position < imagesStart + 8 || position >= imagesStart + images.length - 8,
  );
  for (const position of positions) {
    const content = Buffer.from(sound);
    content[position]! ^= 1 << (position % 8);
    await writeFile(path, content);
    await expect(readImageTable(path)).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  }
});

const isRoot = process.getuid?.() === 0;
test.skipIf(!isRoot)(
  'a full disk is said to be full, and nothing is left (needs root to mount one)',
  async (context) => {
    const disk = await temporaryFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      return context.skip('a small tmpfs cannot be mounted here');
    }
    try {
      const path = join(disk, 'train.arrow');
      const split = { images: sampleBytes(3_000_000), labels: sampleLabels(3) };
      await expect(writeImageTable(path, split, [1_000_000], 'uint8')).rejects.toMatchObject({
        code: 'DISK_FULL',
      });
      expect(await readdir(disk)).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  },
);
