import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../store/content-hash.ts';
import { bundledUspsDirectory, readUsps } from '../../../store/datasets/usps.ts';
import { python } from '../../support/python.ts';
import { bzip2 } from '../support/plain-python.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { thrownBy } from '../support/thrown-by.ts';

/** One line of the libsvm format. */
function line(label: number | string, at: (pixel: number) => number | string = () => -1): string {
  return `${label} ${Array.from({ length: 256 }, (_, pixel) => `${pixel + 1}:${at(pixel)}`).join(' ')} \n`;
}

const ONE_LINE = bzip2(line(1));

async function folderOf(train: Uint8Array, rest: Uint8Array = ONE_LINE): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'usps.bz2'), train);
  await writeFile(join(folder, 'usps.t.bz2'), rest);
  return folder;
}

test('labels begin at 0 and values become bytes, cut off and not rounded', async () => {
  const values = [-1, 1, 0, -0.999, 0.999, '-.5', '1e-3'];
  const folder = await folderOf(bzip2(line(10, (pixel) => values[pixel] ?? -1) + line(1)), bzip2(line(3)));
  const { shape, classNames, train, test: testSplit, sources } = await readUsps(folder);
  expect(shape).toEqual([16, 16, 1]);
  expect(classNames).toEqual([...'0123456789']);
  expect([...train.labels, ...testSplit.labels]).toEqual([9, 0, 2]);
  expect([...train.images.subarray(0, 8)]).toEqual([0, 255, 127, 0, 254, 63, 127, 0]);
  expect(train.images.length).toBe(512);
  const packed = await readFile(join(folder, 'usps.t.bz2'));
  expect(sources[1]).toEqual({ name: 'usps.t.bz2', bytes: packed.length, sha256: sha256(packed) });
});

test('missing files are named', async () => {
  expect(await thrownBy(readUsps('/nowhere/usps'))).toEqual({
    code: 'DATA_MISSING',
    message:
      'Expected the USPS files usps.bz2, usps.t.bz2 in /nowhere/usps, found none of them there. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.',
  });
});

describe('files that are not what they say', () => {
  const words = (text: string): string => `words from ${JSON.stringify(text)} on`;
  const cases: [string, () => Uint8Array, string][] = [
    [
      'a web page',
      () => Buffer.from('<html>'),
      'Expected whole bzip2 data in PATH, found 6 bytes that do not unpack (Not bzip data: bad magic) and begin with "<html>".',
    ],
    [
      'nothing packed',
      () => bzip2(''),
      `Expected a label and 256 values in line 1 in PATH, found 1 ${words('')}.`,
    ],
    [
      'a line cut off',
      () => bzip2(line(2) + line(3).slice(0, 50)),
      `Expected a label and 256 values in line 2 in PATH, found 11 ${words('3 1:-1 2:-1 3:-1 4:-')}.`,
    ],
    [
      'a label that is no number',
      () => bzip2(line('two')),
      `Expected a label and 256 values in line 1 in PATH, found 257 ${words('two 1:-1 2:-1 3:-1 4')}.`,
    ],
    [
      'a label of 0',
      () => bzip2(line(4) + line(0)),
      'Expected labels from 1 to 10 in PATH, found 0 for image 1.',
    ],
    ['a label of 11', () => bzip2(line(11)), 'Expected labels from 1 to 10 in PATH, found 11 for image 0.'],
    [
      'a value above 1',
      () => bzip2(line(4, (pixel) => (pixel === 2 ? 1.01 : 0))),
      'Expected 3:v with v from -1 to 1 in line 1 in PATH, found "3:1.01".',
    ],
    [
      'a value that is no number',
      () => bzip2(line(4, (pixel) => (pixel === 2 ? 'nan' : 0))),
      'Expected 3:v with v from -1 to 1 in line 1 in PATH, found "3:nan".',
    ],
    [
      'a value that is empty',
      () => bzip2(line(4, (pixel) => (pixel === 2 ? '' : 0))),
      'Expected 3:v with v from -1 to 1 in line 1 in PATH, found "3:".',
    ],
    [
      'values out of order',
      () => bzip2(line(4).replace('3:-1', '4:-1')),
      'Expected 3:v with v from -1 to 1 in line 1 in PATH, found "4:-1".',
    ],
  ];

  test.each(cases)('%s', async (_, bytes, message) => {
    const folder = await folderOf(bytes());
    expect(await thrownBy(readUsps(folder))).toEqual({
      code: 'DATA_DAMAGED',
      message: `${message.replace('PATH', join(folder, 'usps.bz2'))} Replace the file by a fresh copy.`,
    });
  });

  test('a bzip2 file cut off or with a flipped bit', async () => {
    const whole = await readFile(join(bundledUspsDirectory(), 'usps.t.bz2'));
    const flipped = Buffer.from(whole);
    flipped[5000]! ^= 4;
    for (const [bytes, reason] of [
      [whole.subarray(0, 400_000), 'Data error'],
      [flipped, /Data error: Bad block CRC \(got [0-9a-f]+ expected [0-9a-f]+\)/],
    ] as const) {
      const folder = await folderOf(bytes);
      const { code, message } = await thrownBy(readUsps(folder));
      expect(code).toBe('DATA_DAMAGED');
      const start = `Expected whole bzip2 data in ${join(folder, 'usps.bz2')}, found ${bytes.length} bytes that do not unpack (`;
      const end = `) and begin with bytes ${whole.subarray(0, 16).toString('hex')}. Replace the file by a fresh copy.`;
      expect([message.slice(0, start.length), message.slice(-end.length)]).toEqual([start, end]);
      expect(message.slice(start.length, -end.length)).toMatch(reason);
    }
  });
});

test('the bundled files are those of their README, and give the pixels that torchvision makes of them', async () => {
  const directory = bundledUspsDirectory();
  const readme = await readFile(join(directory, 'README.md'), 'utf8');
  const { train, test: testSplit, sources } = await readUsps(directory);
  expect([train.labels.length, testSplit.labels.length]).toEqual([7291, 2007]);
  for (const { name, bytes, sha256: checksum } of sources) {
    expect(readme).toMatch(
      new RegExp(`\`${name}\` .*\\| ${bytes.toLocaleString('en')} +\\| \`${checksum}\``),
    );
  }
  // The expression is that of torchvision.datasets.USPS, in numpy and float32.
  const script = `
import bz2, collections, hashlib, json, sys
import numpy as np
for path in sys.argv[1:]:
    with bz2.open(path) as fp:
        raw_data = [line.decode().split() for line in fp.readlines()]
    imgs = np.asarray([[x.split(":")[-1] for x in data[1:]] for data in raw_data], dtype=np.float32).reshape((-1, 16, 16))
    imgs = ((imgs + 1) / 2 * 255).astype(dtype=np.uint8)
    labels = bytes(int(d[0]) - 1 for d in raw_data)
    counts = collections.Counter(labels)
    print(json.dumps({'images': hashlib.sha256(imgs.tobytes()).hexdigest(),
                      'labels': hashlib.sha256(labels).hexdigest(), 'counts': [counts[i] for i in range(10)]}))`;
  const seen = python(script, [join(directory, 'usps.bz2'), join(directory, 'usps.t.bz2')])
    .trim()
    .split('\n');
  const mine = [train, testSplit].map(({ images, labels }) => ({
    images: sha256(images),
    labels: sha256(Uint8Array.from(labels)),
    counts: Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length),
  }));
  expect(mine).toEqual(seen.map((text) => JSON.parse(text)));
});
