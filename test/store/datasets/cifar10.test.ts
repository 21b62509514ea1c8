import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../store/content-hash.ts';
import { CIFAR10_FILES, readCifar10 } from '../../../store/datasets/cifar10.ts';
import { plainPython } from '../support/plain-python.ts';
import { realData } from '../support/real-data.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { thrownBy } from '../support/thrown-by.ts';

/** One record: the label, then planes of which each pixel's value is plane · 80 + pixel mod 80. */
function record(label: number): Buffer {
  return Buffer.from([
    label,
    ...Array.from({ length: 3072 }, (_, i) => Math.floor(i / 1024) * 80 + (i % 80)),
  ]);
}

async function folderOf(changes: Record<string, Buffer | null> = {}): Promise<string> {
  const folder = await temporaryFolder();
  for (const [i, name] of CIFAR10_FILES.entries()) {
    const bytes = name in changes ? changes[name]! : Buffer.concat([record(i), record(9 - i)]);
    if (bytes !== null) await writeFile(join(folder, name), bytes);
  }
  return folder;
}

test('planes become pixels, and the batches follow each other', async () => {
  const { shape, classNames, train, test: testSplit, sources } = await readCifar10(await folderOf());
  expect(shape).toEqual([32, 32, 3]);
  expect(classNames.length).toBe(10);
  expect([...train.labels]).toEqual([0, 9, 1, 8, 2, 7, 3, 6, 4, 5]);
  expect([...testSplit.labels]).toEqual([5, 4]);
  expect([...train.images.subarray(3072, 3078)]).toEqual(
    [0, 64, 80 + 48, 1, 65, 80 + 49].map((_, i) => record(0)[1 + 1024 * (i % 3) + Math.floor(i / 3)]!),
  );
  expect(train.images.length).toBe(10 * 3072);
  expect(sources.map(({ name }) => name)).toEqual(CIFAR10_FILES);
});

test('missing files are named', async () => {
  const folder = await folderOf({ 'data_batch_3.bin': null });
  expect(await thrownBy(readCifar10(folder))).toEqual({
    code: 'DATA_MISSING',
    message: `Expected the CIFAR-10 files data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, test_batch.bin in ${folder}, found no data_batch_3.bin there. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.`,
  });
});

describe('files that are not what they say', () => {
  const name = 'data_batch_2.bin';
  const cases: [string, Buffer, string][] = [
    [
      'a truncated file',
      Buffer.concat([record(1), record(2)]).subarray(0, 6000),
      'Expected records of 3073 bytes in PATH, found 6000 bytes that begin with bytes 01000102030405060708090a0b0c0d0e.',
    ],
    ['a file cut between records', record(1), 'Expected 2 images as in FIRST in PATH, found 1.'],
    [
      'an empty file',
      Buffer.alloc(0),
      'Expected records of 3073 bytes in PATH, found 0 bytes that begin with bytes none.',
    ],
    [
      'a web page',
      Buffer.from('<html><body>moved'),
      'Expected records of 3073 bytes in PATH, found 17 bytes that begin with "<html><body>move".',
    ],
    [
      'a label out of range',
      Buffer.concat([record(1), record(10)]),
      'Expected labels from 0 to 9 in PATH, found 10 for image 1.',
    ],
  ];

  test.each(cases)('%s', async (_, bytes, message) => {
    const folder = await folderOf({ [name]: bytes });
    const text = message
      .replace('PATH', join(folder, name))
      .replace('FIRST', join(folder, 'data_batch_1.bin'));
    expect(await thrownBy(readCifar10(folder))).toEqual({
      code: 'DATA_DAMAGED',
      message: `${text} Replace the file by a fresh copy.`,
    });
  });
});

const real = realData('cifar-10-batches-bin');
describe.skipIf(!real.isThere)(`the real files${real.note}`, () => {
  test('counts, class names, and every pixel as Python reads it', async () => {
    const { classNames, train, test: testSplit } = await readCifar10(real.path);
    expect([train.labels.length, testSplit.labels.length]).toEqual([50_000, 10_000]);
    const names = await readFile(join(real.path, 'batches.meta.txt'), 'utf8');
    expect(classNames).toEqual(names.trim().split('\n'));
    const script = `
import hashlib, sys
images, labels = hashlib.sha256(), hashlib.sha256()
for path in sys.argv[1:]:
    raw, image = open(path, 'rb').read(), bytearray(3072)
    for at in range(0, len(raw), 3073):
        labels.update(raw[at:at + 1])
        for c in range(3):
            image[c::3] = raw[at + 1 + 1024 * c:at + 1 + 1024 * (c + 1)]
        images.update(image)
print(images.hexdigest(), labels.hexdigest())`;
    const hashes = (files: string[]): string =>
      plainPython(
        script,
        files.map((name) => join(real.path, name)),
      )
        .toString()
        .trim();
    const mine = ({ images, labels }: typeof train): string =>
      `${sha256(images)} ${sha256(Uint8Array.from(labels))}`;
    expect(mine(train)).toBe(hashes(CIFAR10_FILES.slice(0, 5)));
    expect(mine(testSplit)).toBe(hashes(CIFAR10_FILES.slice(5)));
  });
});
