import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readStl10 } from '../../../store/datasets/stl10.ts';
import { inMemory, wholeSplit } from '../support/in-memory.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { digest, madeByPython } from './python-fixtures.ts';

/** Images as arrays [n, 96, 96, 3], written in the order of the official files: planes, columns first. */
const made = () =>
  madeByPython<Record<string, string>>(`
told = {}
for name, count in [('train', 7), ('test', 3), ('unlabeled', 60)]:
    images = bytes_of(count, 96, 96, 3)
    images.transpose(0, 3, 2, 1).tofile(f'{name}_X.bin')
    told[name] = digest(images)
    told[f'{name} some'] = digest(images[[1, 2]])
    if name != 'unlabeled':
        np.arange(1, count + 1, dtype=np.uint8).tofile(f'{name}_y.bin')
print(json.dumps(told))`);

test('columns of planes become rows of pixels; unlabelled images are read where they are wanted', async () => {
  const { folder, told } = await made();
  const { train, test: testSplit, shape, classNames, sources } = await inMemory(await readStl10(folder, {}));
  expect([digest(train.images), digest(testSplit.images)]).toEqual([told.train, told.test]);
  expect([...train.labels]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect([shape, classNames[7], sources.length]).toEqual([[96, 96, 3], 'monkey', 4]);

  const { unlabelled, ...source } = await readStl10(folder, { unlabelledImages: 5 });
  expect([unlabelled!.count, unlabelled!.labels, source.sources.length]).toEqual([60, null, 5]);
  expect(digest((await wholeSplit(unlabelled!)).images)).toBe(told.unlabeled);
  expect(digest((await wholeSplit(unlabelled!, [1, 2])).images)).toBe(told['unlabeled some']);
});

describe('damage', () => {
  test('a file that is missing, cut off, or has other labels', async () => {
    const { folder } = await made();
    const X = join(folder, 'train_X.bin');
    await truncate(X, 27648 * 7 - 1);
    expect(await thrownBy(readStl10(folder, {}))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected 7 images of 27648 bytes in ${X}, found ${27648 * 7 - 1} bytes. Replace the file by a fresh copy.`,
    });
    const y = join(folder, 'train_y.bin');
    await writeFile(y, Buffer.from([1, 11]));
    expect((await thrownBy(readStl10(folder, {}))).message).toBe(
      `Expected labels from 1 to 10 in ${y}, found 11 for image 1. Replace the file by a fresh copy.`,
    );
    expect((await thrownBy(readStl10('/nowhere', {}))).message).toBe(
      'Expected the STL-10 files train_X.bin, train_y.bin, test_X.bin, test_y.bin in /nowhere, found none of them there. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.',
    );
  });

  test('a file that becomes shorter while it is read', async () => {
    const { folder } = await made();
    const { train } = await readStl10(folder, {});
    await truncate(join(folder, 'train_X.bin'), 27648 + 5);
    expect(await thrownBy(wholeSplit(train))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected 7 images in ${join(folder, 'train_X.bin')}, found that it ends after ${27648 + 5} bytes. Replace the file by a fresh copy.`,
    });
  });
});
