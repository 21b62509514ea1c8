import { copyFile, cp, mkdtemp, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CODEC_NAMES, shardRecordSchema } from '../../../schemas/gradient-store.ts';
import { findDamage } from '../../../store/shards/check-shard.ts';
import { type GradientReader, openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { openGradientWriter } from '../../../store/shards/gradient-writer.ts';
import { contentOf, gradientsOf, sizeOf, storeInfo, writeMissing } from './sample-stores.ts';
import { makeStore, temporaryFolder } from './temporary-stores.ts';

/** Three shards of several record batches each. */
const INFO = storeInfo({ shape: [128, 64, 3], images: 32, targets: 5, shardImages: 12, codec: 'float16' });
const gradients = gradientsOf(INFO);

let pristine: string;
beforeAll(async () => {
  pristine = await mkdtemp(join(tmpdir(), 'shards-'));
  await writeMissing(pristine, INFO, gradients);
});
afterAll(() => rm(pristine, { recursive: true, force: true }));

/** A store of one's own: copying it is quicker than writing it. */
async function copyStore(): Promise<string> {
  const directory = await temporaryFolder();
  await cp(pristine, directory, { recursive: true });
  return directory;
}

async function flipBit(path: string, position: number): Promise<void> {
  const content = await readFile(path);
  content[position]! ^= 4;
  await writeFile(path, content);
}

async function recordOf(directory: string, shard: number) {
  const path = join(directory, `shard-0000${shard}.json`);
  return shardRecordSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

async function editRecord(directory: string, shard: number, changes: object): Promise<void> {
  const record = await recordOf(directory, shard);
  await writeFile(join(directory, `shard-0000${shard}.json`), JSON.stringify({ ...record, ...changes }));
}

interface Case {
  /** Damages shard 1; what it returns is put into `found`. */
  damage(directory: string): Promise<string | number>;
  /** What the reader says. */
  found: string;
  file?: string;
  /** Shards that are lost. */
  lost?: number[];
}

const CASES: Record<string, Case> = {
  'a flipped bit in a record batch': {
    async damage(directory) {
      const { batches } = await recordOf(directory, 1);
      await flipBit(join(directory, 'shard-00001.arrow'), batches[1]!.offset + 12345);
      return batches.length;
    },
    found: 'record batch 1 of % has another CRC-32 than when it was written',
  },
  'a flipped bit in the last byte of a record batch': {
    async damage(directory) {
      const { batches } = await recordOf(directory, 1);
      await flipBit(join(directory, 'shard-00001.arrow'), batches[0]!.offset + batches[0]!.bytes - 1);
      return batches.length;
    },
    found: 'record batch 0 of % has another CRC-32 than when it was written',
  },
  'a flipped bit in the schema': {
    async damage(directory) {
      await flipBit(join(directory, 'shard-00001.arrow'), 100);
      return '';
    },
    found: 'its headers do not match their checksum',
  },
  'a flipped bit in the footer': {
    async damage(directory) {
      await flipBit(join(directory, 'shard-00001.arrow'), (await recordOf(directory, 1)).bytes - 60);
      return '';
    },
    found: 'its footer does not match its checksum',
  },
  'a page of zeros': {
    async damage(directory) {
      const file = await open(join(directory, 'shard-00001.arrow'), 'r+');
      await file.write(new Uint8Array(4096), 0, 4096, 40960);
      await file.close();
      return (await recordOf(directory, 1)).batches.length;
    },
    found: 'record batch 0 of % has another CRC-32 than when it was written',
  },
  'a file that is cut off': {
    async damage(directory) {
      await truncate(join(directory, 'shard-00001.arrow'), 70000);
      return (await recordOf(directory, 1)).bytes;
    },
    found: 'it has 70000 bytes instead of %',
  },
  'an empty file': {
    async damage(directory) {
      await truncate(join(directory, 'shard-00001.arrow'), 0);
      return (await recordOf(directory, 1)).bytes;
    },
    found: 'it has 0 bytes instead of %',
  },
  'a missing file': {
    async damage(directory) {
      await rm(join(directory, 'shard-00001.arrow'));
      return '';
    },
    found: 'it is missing',
  },
  'a missing record': {
    async damage(directory) {
      await rm(join(directory, 'shard-00001.json'));
      return '';
    },
    found: 'it is missing or does not describe its shard',
    file: 'shard-00001.json',
  },
  'a record that is cut off': {
    async damage(directory) {
      await truncate(join(directory, 'shard-00001.json'), 50);
      return '';
    },
    found: 'it is missing or does not describe its shard',
    file: 'shard-00001.json',
  },
  'a record of fewer rows': {
    async damage(directory) {
      await editRecord(directory, 1, { rows: 59 });
      return '';
    },
    found: 'it is missing or does not describe its shard',
    file: 'shard-00001.json',
  },
  'a record of other batches': {
    async damage(directory) {
      const { batches } = await recordOf(directory, 1);
      await editRecord(directory, 1, {
        batches: batches.map((batch) => ({ ...batch, offset: batch.offset + 64 })),
      });
      return '';
    },
    found: 'its record batches are not those it was written with',
  },
  'a record with another checksum of a batch': {
    async damage(directory) {
      const { batches } = await recordOf(directory, 1);
      await editRecord(directory, 1, {
        batches: batches.map((batch) => ({ ...batch, crc32: (batch.crc32 ^ 1) >>> 0 })),
      });
      return batches.length;
    },
    found: 'record batch 0 of % has another CRC-32 than when it was written',
  },
  'two shards that changed places': {
    async damage(directory) {
      await rename(join(directory, 'shard-00001.arrow'), join(directory, 'x'));
      await rename(join(directory, 'shard-00000.arrow'), join(directory, 'shard-00001.arrow'));
      await rename(join(directory, 'x'), join(directory, 'shard-00000.arrow'));
      return (await recordOf(directory, 1)).batches.length;
    },
    found: 'record batch 0 of % has another CRC-32 than when it was written',
    lost: [0, 1],
  },
  'the record and the file of another shard': {
    async damage(directory) {
      await copyFile(join(directory, 'shard-00000.arrow'), join(directory, 'shard-00001.arrow'));
      await copyFile(join(directory, 'shard-00000.json'), join(directory, 'shard-00001.json'));
      return '';
    },
    found: 'it is missing or does not describe its shard',
    file: 'shard-00001.json',
  },
};

test.each(Object.entries(CASES))(
  '%s is found, named, and mended by writing that shard again',
  async (_, c) => {
    const directory = await copyStore();
    const sound = await contentOf(directory);
    const detail = String(await c.damage(directory));

    const reader = await openGradientReader(directory);
    const file = c.file ?? 'shard-00001.arrow';
    const out = new Float32Array(sizeOf(INFO));
    await reader.read([{ image: 31, target: 4 }], out);
    const error = {
      code: 'ARTIFACT_DAMAGED',
      message: `Expected ${file} of the gradient store ${directory} to be as it was written, found that ${c.found.replace('%', detail)}. The next \`pipeline run\` computes only this shard again.`,
      place: { artifact: directory, files: [file] },
    };
    await expect(reader.read([{ image: 15, target: 4 }], out)).rejects.toMatchObject(error);
    const lost = c.lost ?? [1];
    if (!lost.includes(0)) await expect(countImages(reader)).rejects.toMatchObject(error);
    expect(await reader.verify()).toEqual(lost.map((shard) => file.replace('00001', `0000${shard}`)));

    expect(await writeMissing(directory, INFO, gradients)).toEqual(lost);
    expect(await contentOf(directory)).toEqual(sound);
    expect(await reader.verify()).toEqual([]);
    expect(await countImages(reader)).toBe(32);
    await reader.close();
  },
);

/** Reads the store in order. */
async function countImages(reader: GradientReader): Promise<number> {
  let count = 0;
  for await (const { images } of reader.batches()) count += images;
  return count;
}

test('a record with another SHA-256 is found by verify, which a reader does not look at', async () => {
  const directory = await copyStore();
  await editRecord(directory, 1, { sha256: '0'.repeat(64) });
  const reader = await openGradientReader(directory);
  expect(await reader.verify()).toEqual(['shard-00001.arrow']);
  await reader.close();
  expect(await writeMissing(directory, INFO, gradients)).toEqual([1]);
});

test.each([
  ['is missing', (path: string) => rm(path)],
  ['is cut off', (path: string) => truncate(path, 20)],
  [
    'is that of another store',
    async (path: string) =>
      writeFile(path, (await readFile(path, 'utf8')).replace('"worstCosineLoss": ', '"worstCosineLoss": 1')),
  ],
])('a summary that %s is found by verify, and mended by finishing the store again', async (_, damage) => {
  const directory = await copyStore();
  const sound = await contentOf(directory);
  await damage(join(directory, 'summary.json'));
  const reader = await openGradientReader(directory);
  expect(await reader.verify()).toEqual(['summary.json']);
  expect(await writeMissing(directory, INFO, gradients)).toEqual([]);
  expect(await contentOf(directory)).toEqual(sound);
  expect(await reader.verify()).toEqual([]);
  await reader.close();
});

test.each(CODEC_NAMES)('a flipped bit anywhere in a shard of %s is found', async (codec) => {
  const { directory, info } = await makeStore({ images: 2, shape: [9], codec, targetClasses: 'listed' });
  const path = join(directory, 'shard-00000.arrow');
  const content = await readFile(path);
  const out = new Float32Array(9);
  const missed: number[] = [];
  for (let at = 0; at < content.length; at += 7) {
    const changed = Buffer.from(content);
    changed[at]! ^= 1 << (at % 8);
    await writeFile(path, changed);
    const reader = await openGradientReader(directory);
    const error = await reader.read([{ image: 0, target: 0 }], out).catch((caught) => caught);
    if (error?.code !== 'ARTIFACT_DAMAGED') missed.push(at);
    if ((await findDamage(directory, info, 0)) === null) missed.push(at);
    await reader.close();
  }
  expect(missed).toEqual([]);
});

test('temporary files that a killed process left are removed, finished shards kept', async () => {
  const directory = await copyStore();
  const sound = await contentOf(directory);
  // No process has this number: Linux stops at 4194304.
  await writeFile(join(directory, 'shard-00002.arrow.99999999-0123456789ab.tmp'), 'half of it');
  expect(await writeMissing(directory, INFO, gradients)).toEqual([]);
  expect(await contentOf(directory)).toEqual(sound);
});

test('a shard without its record was not finished', async () => {
  const directory = await copyStore();
  await rm(join(directory, 'shard-00002.json'));
  const writer = await openGradientWriter(directory, INFO);
  expect(await writer.missing()).toEqual([2]);
  await expect(readFile(join(directory, 'shard-00002.arrow'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await writeMissing(directory, INFO, gradients)).toEqual([2]);
});

test('a shard that is mended can be read by the reader that found the damage', async () => {
  const directory = await copyStore();
  const reader = await openGradientReader(directory);
  await rm(join(directory, 'shard-00000.arrow'));
  const out = new Float32Array(sizeOf(INFO));
  await expect(reader.read([{ image: 0, target: 0 }], out)).rejects.toMatchObject({
    code: 'ARTIFACT_DAMAGED',
  });
  await writeMissing(directory, INFO, gradients);
  await reader.read([{ image: 0, target: 0 }], out);
  expect(out[0]).toBeCloseTo(gradients[0]!, 2);
  await reader.close();
});

test('a shard that is cut off after it was checked is found by the read that meets its end', async () => {
  const directory = await copyStore();
  const reader = await openGradientReader(directory, 0);
  const out = new Float32Array(sizeOf(INFO));
  await reader.read([{ image: 0, target: 0 }], out);
  const { batches } = await recordOf(directory, 0);
  await truncate(join(directory, 'shard-00000.arrow'), batches[1]!.offset);
  await expect(reader.read([{ image: 11, target: 4 }], out)).rejects.toMatchObject({
    code: 'ARTIFACT_DAMAGED',
    // Where that row starts: 12 images of 5 targets, 2 images per batch, `image` and `target` in front.
    message: `Expected shard-00000.arrow of the gradient store ${directory} to be as it was written, found that it ends after ${batches[5]!.offset + 2 * 64 + 9 * 49152} bytes. The next \`pipeline run\` computes only this shard again.`,
  });
  await reader.close();
});

test('a sound shard and record of a store with other columns is found', async () => {
  const directory = await copyStore();
  const other = await makeStore({ ...INFO, codec: 'int8' });
  for (const name of ['shard-00001.arrow', 'shard-00001.json']) {
    await copyFile(join(other.directory, name), join(directory, name));
  }
  const reader = await openGradientReader(directory);
  const out = new Float32Array(sizeOf(other.info));
  await expect(reader.read([{ image: 12, target: 0 }], out)).rejects.toMatchObject({
    code: 'ARTIFACT_DAMAGED',
    message: `Expected shard-00001.arrow of the gradient store ${directory} to be as it was written, found that its columns are image: int32, target: int32, gradient: int8[24576], scale: float32[384] instead of image: int32, target: int32, gradient: float16[24576], scale: float32. The next \`pipeline run\` computes only this shard again.`,
  });
  await reader.close();
});
