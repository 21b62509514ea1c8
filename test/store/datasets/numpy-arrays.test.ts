import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readNumpyArrays } from '../../../store/datasets/numpy-arrays.ts';
import { inMemory, wholeSplit } from '../support/in-memory.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { digest, madeByPython } from './python-fixtures.ts';

const ARRAYS = `
arrays, told = {}, {}
for split, count in [('train', 500), ('test', 4), ('val', 3)]:
    arrays[f'{split}_images'] = bytes_of(count, 30, 20, 3)
    arrays[f'{split}_labels'] = (np.arange(count) % 3).astype(LABELS)
    told[split] = digest(arrays[f'{split}_images'])
`;

const FORMS: [string, string, string][] = [
  ['files of arrays', 'np.uint8', 'for name, array in arrays.items(): np.save(name, array)'],
  [
    'a zip for each split',
    "'>i4'",
    "for split in told: np.savez(split, images=arrays[f'{split}_images'], labels=arrays[f'{split}_labels'])",
  ],
  ['one zip of all, packed', "'<i8'", "np.savez_compressed('all', **arrays)"],
  [
    'labels as a column',
    "'>i8'",
    "np.savez('all', **{n: a[:, None] if 'labels' in n else a for n, a in arrays.items()})",
  ],
  ['labels of two bytes', "'>u2'", "np.savez('all', **arrays)"],
];

test.each(FORMS)('%s', async (_, labels, save) => {
  const { folder, told } = await madeByPython<Record<string, string>>(
    `${ARRAYS.replace('LABELS', labels)}\n${save}\nprint(json.dumps(told))`,
  );
  const { validation, ...source } = await readNumpyArrays(folder);
  const { train, test: testSplit, shape, classNames } = await inMemory(source);
  expect([shape, classNames]).toEqual([
    [30, 20, 3],
    ['0', '1', '2'],
  ]);
  expect([digest(train.images), digest(testSplit.images)]).toEqual([told.train, told.test]);
  expect(digest((await wholeSplit(validation!)).images)).toBe(told.val);
  expect([[...train.labels].slice(0, 5), [...testSplit.labels]]).toEqual([
    [0, 1, 2, 0, 1],
    [0, 1, 2, 0],
  ]);
});

test('gray images have one channel, and classes their names', async () => {
  const { folder } = await madeByPython(`
for split in ['train', 'test']:
    np.savez(split, images=bytes_of(2, 8, 9), labels=[0, 1])
open('classes.txt', 'w').write('cat\\ndog\\n')`);
  const { shape, classNames, validation, sources } = await readNumpyArrays(folder);
  expect([shape, classNames, validation]).toEqual([[8, 9, 1], ['cat', 'dog'], undefined]);
  expect(sources.map(({ name }) => name)).toEqual(['classes.txt', 'test.npz', 'train.npz']);
});

describe('damage', () => {
  const cases: [string, string, string][] = [
    [
      'images of another type',
      "'images': np.zeros((2, 4, 4)), 'labels': [0, 1]",
      'bytes (uint8) [n, height, width] or [n, height, width, 1 or 3] in C order in PATH/images.npy, found <f8 [2, 4, 4]',
    ],
    [
      'images columns first',
      "'images': np.asfortranarray(np.zeros((2, 4, 4), np.uint8)), 'labels': [0, 1]",
      'bytes (uint8) [n, height, width] or [n, height, width, 1 or 3] in C order in PATH/images.npy, found |u1 [2, 4, 4] in Fortran order',
    ],
    [
      'images of another shape',
      "'images': np.zeros((2, 4, 5), np.uint8), 'labels': [0, 1]",
      'images [4, 4, 1] as for training in PATH/images.npy, found [4, 5, 1]',
    ],
    [
      'images without pixels',
      "'images': np.zeros((2, 0, 4), np.uint8), 'labels': [0, 1]",
      'bytes (uint8) [n, height, width] or [n, height, width, 1 or 3] in C order in PATH/images.npy, found |u1 [2, 0, 4]',
    ],
    [
      'too few labels',
      "'images': np.zeros((2, 4, 4), np.uint8), 'labels': [0]",
      '2 labels, one for each image in PATH/images.npy, in PATH/labels.npy, found 1',
    ],
    [
      'a label beyond those of training',
      "'images': np.zeros((2, 4, 4), np.uint8), 'labels': [0, 2]",
      'labels from 0 to 1 in PATH/labels.npy, found 2 for image 1',
    ],
  ];
  test.each(cases)('%s', async (_, arrays, expected) => {
    const { folder } = await madeByPython(`
np.savez('train', images=np.zeros((2, 4, 4), np.uint8), labels=[0, 1])
np.savez('test', **{${arrays}})`);
    expect(await thrownBy(readNumpyArrays(folder))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected ${expected.replaceAll('PATH', join(folder, 'test.npz'))}. Replace the file by a fresh copy.`,
    });
  });

  test('arrays that are missing', async () => {
    const { folder } = await madeByPython(`np.save('train_images', bytes_of(2, 3, 3))`);
    expect(await thrownBy(readNumpyArrays(folder))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the arrays train_images, train_labels, test_images and test_labels in ${folder}, as NAME.npy, in train.npz and test.npz as images and labels, or all in one .npz, found train_images. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.`,
    });
  });

  test('a label that no class can have', async () => {
    const { folder } = await madeByPython(`
for split in ['train', 'test']:
    np.savez(split, images=np.zeros((2, 4, 4), np.uint8), labels=[0, 10**15])`);
    expect((await thrownBy(readNumpyArrays(folder))).message).toBe(
      `Expected labels from 0 to 65535 in ${folder}/train.npz/labels.npy, found 1000000000000000 for image 1. Replace the file by a fresh copy.`,
    );
  });

  test.each([
    ['sizes that are none', '(-2,)', 'an array as numpy saves it', 'that its sizes are (-2,)'],
    ['more labels than there can be', '(9999999999,)', 'less than 1 GiB of labels', '9999999999'],
  ])('a header with %s', async (_, sizes, expected, found) => {
    const { folder } = await madeByPython(`
for split in ['train', 'test']:
    np.save(f'{split}_images', bytes_of(2, 8, 9))
    np.save(f'{split}_labels', np.array([0, 1]))
raw = open('test_labels.npy', 'rb').read()
open('test_labels.npy', 'wb').write(raw.replace(b'(2,)', b'${sizes}'))`);
    expect((await thrownBy(readNumpyArrays(folder))).message).toBe(
      `Expected ${expected} in ${join(folder, 'test_labels.npy')}, found ${found}. Replace the file by a fresh copy.`,
    );
  });

  test('hidden files are passed over', async () => {
    const { folder } = await madeByPython(`
for split in ['train', 'test']:
    np.savez(split, images=np.zeros((2, 4, 4), np.uint8), labels=[0, 1])
open('._train.npz', 'w').write('left by another system')`);
    expect((await readNumpyArrays(folder)).sources.map(({ name }) => name)).toEqual([
      'test.npz',
      'train.npz',
    ]);
  });

  test('labels cut off', async () => {
    const { folder } = await madeByPython(`
for split in ['train', 'test']:
    np.save(f'{split}_images', bytes_of(2, 8, 9))
    np.save(f'{split}_labels', np.array([0, 1]))
raw = open('test_labels.npy', 'rb').read()
open('test_labels.npy', 'wb').write(raw[:-3])`);
    const path = join(folder, 'test_labels.npy');
    expect((await thrownBy(readNumpyArrays(folder))).message).toBe(
      `Expected 2 numbers in ${path}, found that it ends after 141 bytes. Replace the file by a fresh copy.`,
    );
    await writeFile(path, 'x');
    expect((await thrownBy(readNumpyArrays(folder))).message).toContain('an array as numpy saves it');
  });
});
