import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../store/content-hash.ts';
import { readMnist } from '../../../store/datasets/mnist.ts';
import { plainPython } from '../support/plain-python.ts';
import { realData } from '../support/real-data.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { thrownBy } from '../support/thrown-by.ts';

/** An IDX file of bytes with the given sides. */
function idx(sides: number[], values: number[] | Uint8Array, magic = 0x0800 + sides.length): Buffer {
  const header = Buffer.alloc(4 + 4 * sides.length);
  header.writeUInt32BE(magic);
  sides.forEach((side, i) => void header.writeUInt32BE(side, 4 + 4 * i));
  return Buffer.concat([header, Uint8Array.from(values)]);
}

const pixels = (count: number): Uint8Array => new Uint8Array(count * 784).map((_, i) => (i * 31) >> 2);
const good: Record<string, Buffer> = {
  'train-images-idx3-ubyte': idx([3, 28, 28], pixels(3)),
  'train-labels-idx1-ubyte': idx([3], [9, 0, 4]),
  't10k-images-idx3-ubyte': idx([2, 28, 28], pixels(2)),
  't10k-labels-idx1-ubyte': idx([2], [1, 1]),
};

async function folderOf(changes: Record<string, Buffer | null> = {}): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, bytes] of Object.entries({ ...good, ...changes })) {
    if (bytes !== null) await writeFile(join(folder, name), bytes);
  }
  return folder;
}

describe('small files of the exact format', () => {
  test('images and labels come back in order, packed or not', async () => {
    const folder = await folderOf();
    const plain = await readMnist(folder);
    expect(plain).toMatchObject({ shape: [28, 28, 1], classNames: [...'0123456789'] });
    expect(plain.train).toMatchObject({ images: pixels(3), labels: Uint16Array.from([9, 0, 4]) });
    expect(plain.test).toMatchObject({ images: pixels(2), labels: Uint16Array.from([1, 1]) });

    for (const [name, bytes] of Object.entries(good)) {
      await rm(join(folder, name));
      await writeFile(join(folder, `${name}.gz`), gzipSync(bytes));
    }
    const packed = await readMnist(folder);
    for (const split of ['train', 'test'] as const) {
      const { images, labels } = plain[split];
      expect(packed[split]).toMatchObject({ images, labels });
    }
    const packedImages = gzipSync(good['train-images-idx3-ubyte']!);
    expect(packed.sources[0]).toEqual({
      name: 'train-images-idx3-ubyte.gz',
      bytes: packedImages.length,
      sha256: sha256(packedImages),
    });
  });
});

describe('missing files', () => {
  const wanted =
    'train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz';
  const advice =
    'Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.';

  test('all of them', async () => {
    for (const folder of [await temporaryFolder(), '/nowhere/mnist']) {
      expect(await thrownBy(readMnist(folder))).toEqual({
        code: 'DATA_MISSING',
        message: `Expected the MNIST files ${wanted} in ${folder}, found none of them there. ${advice}`,
      });
    }
  });

  test('some of them', async () => {
    const folder = await folderOf({ 'train-labels-idx1-ubyte': null, 't10k-images-idx3-ubyte': null });
    expect(await thrownBy(readMnist(folder))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the MNIST files ${wanted} in ${folder}, found no train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz there. ${advice}`,
    });
  });
});

describe('files that are not what they say', () => {
  const images = 'train-images-idx3-ubyte';
  const labels = 'train-labels-idx1-ubyte';
  const packed = gzipSync(good[images]!);
  const html = Buffer.from('<!DOCTYPE html><html><body>Not found</body></html>');
  const cases: [string, string, Buffer, string][] = [
    [
      'a truncated file',
      images,
      good[images]!.subarray(0, 1000),
      'Expected 2368 bytes (unpacked) for 3 items in PATH, found 1000 bytes.',
    ],
    [
      'a file with bytes too many',
      images,
      Buffer.concat([good[images]!, Buffer.alloc(1)]),
      'Expected 2368 bytes (unpacked) for 3 items in PATH, found 2369 bytes.',
    ],
    [
      'an empty file',
      labels,
      Buffer.alloc(0),
      'Expected an IDX header that begins with bytes 00000801 in PATH, found a file that begins with bytes none.',
    ],
    [
      'a web page',
      images,
      html,
      'Expected an IDX header that begins with bytes 00000803 in PATH, found a file that begins with "<!DOCTYPE html><".',
    ],
    [
      'labels in the place of images',
      images,
      good[labels]!,
      'Expected an IDX header that begins with bytes 00000803 in PATH, found a file that begins with bytes 0000080100000003090004.',
    ],
    [
      'images of another size',
      images,
      idx([3, 32, 32], []),
      'Expected at least one item of [28,28] bytes in PATH, found 3 of [32,32].',
    ],
    [
      'no images',
      images,
      idx([0, 28, 28], []),
      'Expected at least one item of [28,28] bytes in PATH, found 0 of [28,28].',
    ],
    [
      'a label out of range',
      labels,
      idx([3], [0, 10, 3]),
      'Expected labels from 0 to 9 in PATH, found 10 for image 1.',
    ],
    [
      'too few labels',
      labels,
      idx([2], [0, 1]),
      'Expected 3 labels, one for each image in IMAGES, in PATH, found 2.',
    ],
    [
      'packed data cut off',
      `${images}.gz`,
      packed.subarray(0, packed.length - 5),
      `Expected whole gzip data in PATH, found ${packed.length - 5} bytes that do not unpack (unexpected end of file) and begin with bytes ${packed.subarray(0, 16).toString('hex')}.`,
    ],
    [
      'a web page named gz',
      `${images}.gz`,
      html,
      'Expected whole gzip data in PATH, found 50 bytes that do not unpack (incorrect header check) and begin with "<!DOCTYPE html><".',
    ],
  ];

  test.each(cases)('%s', async (_, name, bytes, message) => {
    const folder = await folderOf({ [name]: bytes });
    const text = message.replace('PATH', join(folder, name)).replace('IMAGES', join(folder, images));
    expect(await thrownBy(readMnist(folder))).toEqual({
      code: 'DATA_DAMAGED',
      message: `${text} Replace the file by a fresh copy.`,
    });
  });

  test('a folder in the place of a file is not taken for it', async () => {
    const folder = await folderOf({ [images]: null });
    await mkdir(join(folder, images));
    await expect(readMnist(folder)).rejects.toThrow('EISDIR');
  });
});

const real = realData('mnist');
describe.skipIf(!real.isThere)(`the real files${real.note}`, () => {
  test('counts, first labels, checksum of the pixels, and the counts that Python finds', async () => {
    const { train, test: testSplit } = await readMnist(real.path);
    expect([train.labels.length, testSplit.labels.length]).toEqual([60_000, 10_000]);
    expect([...train.labels.subarray(0, 3)]).toEqual([5, 0, 4]);
    const unpacked = Buffer.concat([
      Buffer.from('00000803'.concat('0000ea60', '0000001c', '0000001c'), 'hex'),
      train.images,
    ]);
    expect(createHash('md5').update(unpacked).digest('hex')).toBe('6bbc9ace898e44ae57da46a324031adb');
    const counts = plainPython(
      'import gzip, sys, collections, json; c = collections.Counter(gzip.open(sys.argv[1]).read()[8:]); print(json.dumps([c[i] for i in range(10)]))',
      [join(real.path, 't10k-labels-idx1-ubyte.gz')],
    );
    const mine = Array.from(
      { length: 10 },
      (_, digit) => testSplit.labels.filter((label) => label === digit).length,
    );
    expect(mine).toEqual(JSON.parse(counts.toString()));
  });
});
