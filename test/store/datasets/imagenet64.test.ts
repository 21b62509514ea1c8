import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { imagenet64 } from '../../../store/datasets/imagenet64.ts';
import { inMemory, wholeSplit } from '../support/in-memory.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { digest, madeByPython } from './python-fixtures.ts';

const { dataset } = variantConfigSchema.parse({ dataset: { name: 'imagenet64' } });
const [arrays, pickles] = imagenet64.layouts as [
  (typeof imagenet64.layouts)[0],
  (typeof imagenet64.layouts)[0],
];

interface Told {
  train: string;
  test: string;
  some: string;
  labels: number[];
}

/** Eleven batches in both forms; labels from 1 on, as lists and as arrays. */
const made = () =>
  madeByPython<Told>(`
all_images, all_labels = [], []
for i, name in enumerate([f'train_data_batch_{i}' for i in range(1, 11)] + ['val_data']):
    count = 100 if i == 2 else 3
    data, labels = bytes_of(count, 12288), (np.arange(count) * 7 + i) % 1000 + 1
    batch = {'data': data, 'labels': labels.tolist(), 'mean': data.mean(axis=0)}
    pickle.dump(batch if i % 2 else {**batch, 'labels': labels}, open(name, 'wb'), protocol=3 + i % 2)
    (np.savez if i % 2 else np.savez_compressed)(name, data=data, labels=labels, mean=batch['mean'])
    all_images.append(data.reshape(-1, 3, 64, 64).transpose(0, 2, 3, 1))
    all_labels += (labels - 1).tolist()
train = np.concatenate(all_images[:10])
print(json.dumps({'train': digest(train), 'test': digest(all_images[10]), 'some': digest(train[[2, 50, 51, 126]]), 'labels': all_labels}))`);

test.each([
  ['npz', arrays],
  ['pickles', pickles],
] as const)('%s: all batches, one after the other', async (_, layout) => {
  const { folder, told } = await made();
  const source = await layout.read(folder, dataset);
  const { train, test: testSplit, shape, classNames } = await inMemory(source);
  expect(shape).toEqual([64, 64, 3]);
  expect([digest(train.images), digest(testSplit.images)]).toEqual([told.train, told.test]);
  expect([...train.labels, ...testSplit.labels]).toEqual(told.labels);
  expect(digest((await wholeSplit(source.train, [2, 50, 51, 126])).images)).toBe(told.some);
  expect([classNames.length, classNames[999], source.sources.length]).toEqual([1000, '1000', 11]);
});

test('classes have names where the list of them is there', async () => {
  const { folder } = await made();
  const names = join(folder, 'map_clsloc.txt');
  await writeFile(names, 'n02119789 1 kit_fox\nn02100735 2 English_setter\n');
  const { classNames } = await arrays.read(folder, dataset);
  expect(classNames.slice(0, 3)).toEqual(['kit_fox', 'English_setter', '3']);
  await writeFile(names, 'kit fox\n');
  expect((await thrownBy(arrays.read(folder, dataset))).message).toBe(
    `Expected lines of synset, number and name in ${names}, found "kit fox". Replace the file by a fresh copy.`,
  );
});

describe('damage', () => {
  const script = (save: string) => `data, labels = np.zeros((2, 12288), np.uint8), np.array([1, 2])\n${save}`;
  const cases: [string, string, string][] = [
    [
      'no data',
      "np.savez('val_data', labels=labels)",
      'an array data of bytes [n,12288] in PATH, found none',
    ],
    [
      'data of another type',
      "np.savez('val_data', data=data + 0.5, labels=labels)",
      'an array data of bytes [n,12288] in PATH, found <f8 [2,12288]',
    ],
    ['no labels', "np.savez('val_data', data=data)", '2 labels in PATH, found 0'],
    [
      'labels that are no whole numbers',
      "np.savez('val_data', data=data, labels=labels + 0.5)",
      'whole numbers [images] in PATH/labels.npy, found <f8 [2]',
    ],
    [
      'a label beyond 1000',
      "np.savez('val_data', data=data, labels=labels + 999)",
      'labels from 1 to 1000 in PATH, found 1001 for image 1',
    ],
    [
      'a zip of something else',
      "import zipfile; zipfile.ZipFile('val_data.npz', 'w').writestr('data.npy', 'text')",
      'an array as numpy saves it in PATH/data.npy, found that it ends after 4 bytes',
    ],
    [
      'something else at length',
      "import zipfile; zipfile.ZipFile('val_data.npz', 'w').writestr('data.npy', 'text' * 9)",
      'an array as numpy saves it in PATH/data.npy, found that it does not begin with \\x93NUMPY',
    ],
    [
      'a web page',
      "open('val_data.npz', 'w').write('<html>')",
      'a zip of arrays (.npz) in PATH, found that End of central directory record signature not found. Either not a zip file, or file is truncated',
    ],
    [
      'a header without a shape',
      "import zipfile; zipfile.ZipFile('val_data.npz', 'w').writestr('data.npy', b'\\x93NUMPY\\x01\\x00\\x02\\x00{}')",
      'an array as numpy saves it in PATH/data.npy, found that its header is "{}"',
    ],
  ];
  test.each(cases)('%s', async (_, save, expected) => {
    const { folder } = await made();
    await madeByPython(script(save), folder);
    expect(await thrownBy(arrays.read(folder, dataset))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected ${expected.replaceAll('PATH', join(folder, 'val_data.npz'))}. Replace the file by a fresh copy.`,
    });
  });

  test('a flipped bit in an array that is not compressed', async () => {
    const { folder } = await made();
    await madeByPython(
      script(`np.savez('val_data', data=data, labels=labels)
raw = bytearray(open('val_data.npz', 'rb').read())
raw[5000] ^= 1
open('val_data.npz', 'wb').write(raw)`),
      folder,
    );
    const path = join(folder, 'val_data.npz/data.npy');
    const { message } = await thrownBy(
      arrays.read(folder, dataset).then(({ test: split }) => wholeSplit(split)),
    );
    expect(message).toContain('2 images in');
    expect(message).toContain('found that its content has another CRC-32 than the zip says');
    expect(path).toContain('val_data');
  });

  test('missing batches are named', async () => {
    const { folder } = await made();
    await rm(join(folder, 'train_data_batch_7'));
    expect((await thrownBy(pickles.read(folder, dataset))).message).toContain(
      'found no train_data_batch_7 there',
    );
  });
});
