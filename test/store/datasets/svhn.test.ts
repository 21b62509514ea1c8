import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readMatFile } from '../../../store/datasets/mat-file.ts';
import { readSvhn } from '../../../store/datasets/svhn.ts';
import { inMemory, wholeSplit } from '../support/in-memory.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { digest, madeByPython } from './python-fixtures.ts';

/** As SciPy saves X [32, 32, 3, n] and y [n, 1]; labels of several types, as programs have written them. */
const made = () =>
  madeByPython<Record<string, string>>(`
from scipy.io import savemat
told = {}
for name, count, type_, packed in [('train', 12, np.uint8, True), ('test', 5, np.float64, False), ('extra', 3, np.int32, True)]:
    X, y = bytes_of(32, 32, 3, count), (np.arange(count) % 10 + 1).astype(type_).reshape(count, 1)
    savemat(f'{name}_32x32.mat', {'X': X, 'y': y}, do_compression=packed)
    told[name] = digest(X.transpose(3, 0, 1, 2))
    told[f'{name} some'] = digest(X.transpose(3, 0, 1, 2)[[0, 3, 4]]) if count > 4 else ''
print(json.dumps(told))`);

test('packed or not, images and labels are those that SciPy saved; label 10 is the digit 0', async () => {
  const { folder, told } = await made();
  const source = await readSvhn(folder, {});
  const { train, test: testSplit, shape, sources } = await inMemory(source);
  expect([digest(train.images), digest(testSplit.images)]).toEqual([told.train, told.test]);
  expect([...train.labels]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]);
  expect([...testSplit.labels]).toEqual([1, 2, 3, 4, 5]);
  expect([shape, sources.length]).toEqual([[32, 32, 3], 2]);
  expect(digest((await wholeSplit(source.train, [0, 3, 4])).images)).toBe(told['train some']);

  const withExtra = await inMemory(await readSvhn(folder, { extra: true }));
  expect([...withExtra.train.labels].slice(-4)).toEqual([2, 1, 2, 3]);
  expect(digest(withExtra.train.images.subarray(12 * 3072))).toBe(told.extra);
});

test('other variables are passed over', async () => {
  const { folder } = await madeByPython(`
from scipy.io import savemat
savemat('x.mat', {'a': np.arange(6.0).reshape(2, 3), 'name_longer_than_four': np.int16([[1, 2]])}, do_compression=True)`);
  const variables = await readMatFile(join(folder, 'x.mat'));
  expect([...variables.values()].map(({ name, shape }) => [name, shape])).toEqual([
    ['a', [2, 3]],
    ['name_longer_than_four', [1, 2]],
  ]);
});

describe('damage', () => {
  const cases: [string, string, string][] = [
    ['no X', `{'y': np.ones((2, 1))}`, 'bytes X [32,32,3,n] in PATH, found none'],
    [
      'X of another type',
      `{'X': np.zeros((32, 32, 3, 2)), 'y': np.ones((2, 1))}`,
      'bytes X [32,32,3,n] in PATH, found <f8 [32,32,3,2]',
    ],
    [
      'X of another shape',
      `{'X': np.zeros((2, 32, 32, 3), np.uint8), 'y': np.ones((2, 1))}`,
      'bytes X [32,32,3,n] in PATH, found <u1 [2,32,32,3]',
    ],
    [
      'too few labels',
      `{'X': np.zeros((32, 32, 3, 2), np.uint8), 'y': np.ones((1, 1))}`,
      'whole numbers y [2,1] in PATH, found <f8 [1,1]',
    ],
    [
      'labels of another type',
      `{'X': np.zeros((32, 32, 3, 2), np.uint8), 'y': np.ones((2, 1), np.float32)}`,
      'whole numbers y [2,1] in PATH, found <f4 [2,1]',
    ],
    [
      'a label that is no whole number',
      `{'X': np.zeros((32, 32, 3, 2), np.uint8), 'y': np.array([[1], [1.5]])}`,
      'labels from 1 to 10 in PATH, found 1.5 for image 1',
    ],
    [
      'a label of 0',
      `{'X': np.zeros((32, 32, 3, 2), np.uint8), 'y': np.array([[1], [0]])}`,
      'labels from 1 to 10 in PATH, found 0 for image 1',
    ],
    [
      'complex numbers',
      `{'X': np.zeros((2, 2)) + 1j}`,
      'a MAT-file of version 5 in PATH, found that X is no array of real numbers',
    ],
  ];
  test.each(cases)('%s', async (_, variables, expected) => {
    const { folder } = await made();
    await madeByPython(`from scipy.io import savemat\nsavemat('train_32x32.mat', ${variables})`, folder);
    expect(await thrownBy(readSvhn(folder, {}))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected ${expected.replace('PATH', join(folder, 'train_32x32.mat'))}. Replace the file by a fresh copy.`,
    });
  });

  test('files cut off, flipped, of another kind', async () => {
    const { folder } = await made();
    const path = join(folder, 'train_32x32.mat');
    const whole = await readFile(path);
    const found = async (bytes: Uint8Array) => {
      await writeFile(path, bytes);
      const { code, message } = await thrownBy(readSvhn(folder, {}).then(inMemory));
      expect(code).toBe('DATA_DAMAGED');
      return message;
    };
    expect(await found(whole.subarray(0, 20_000))).toContain('found that it ends after 20000 bytes');
    expect(await found(whole.subarray(0, 50))).toContain('found that it ends after 50 bytes');
    expect(await found(Buffer.from('<html>'.repeat(50)))).toContain(
      'found that its header is "<html><html><html><h"',
    );
    const flipped = Buffer.from(whole);
    flipped[20_000]! ^= 1;
    expect(await found(flipped)).toMatch(/found that (incorrect|invalid)/);
    const strange = Buffer.from(whole);
    strange[128] = 99;
    expect(await found(strange)).toContain('found that an element of type 99 stands at byte 128');
  });
});
