import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { entryOf } from '../../../store/datasets/catalogue.ts';
import { inMemory } from '../support/in-memory.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { madeByPython } from './python-fixtures.ts';

const read = async (
  folder: string,
  settings: object,
  name: 'imagenet' | 'restricted-imagenet' = 'imagenet',
) =>
  entryOf(name).layouts[0].read(
    folder,
    variantConfigSchema.parse({ dataset: { name, size: 4, ...settings } }).dataset,
  );

/** A picture for each synset and split, whose red is the synset's place modulo 256; all 1000, or some. */
const made = (synsets: string) =>
  madeByPython(`
from PIL import Image
synsets = ${synsets}
for split, ending in [('train', 'JPEG'), ('val', 'JPEG')]:
    for place, synset in enumerate(synsets):
        os.makedirs(f'{split}/{synset}')
        Image.new('RGB', (4, 4), (place % 256, 0, 0)).save(f'{split}/{synset}/{synset}_1.JPEG', 'PNG')`);

const FOUR = "['n00000003', 'n00000001', 'n00000002', 'n00000004']";

test('synsets are classes in the order of their numbers, named where the list is there', async () => {
  const { folder } = await made(FOUR);
  const plain = await inMemory(await read(folder, {}));
  expect(plain.classNames).toEqual(['n00000001', 'n00000002', 'n00000003', 'n00000004']);
  expect([...plain.train.labels]).toEqual([0, 1, 2, 3]);
  expect([0, 1, 2, 3].map((i) => plain.train.images[48 * i])).toEqual([1, 2, 0, 3]);
  expect(plain.sources[0]!.name).toBe('train/n00000001');

  const names = join(folder, 'LOC_synset_mapping.txt');
  await writeFile(
    names,
    'n00000001 tench, Tinca tinca\nn00000002 crane\nn00000003 crane\nn00000004 great white shark, x\n',
  );
  const { classNames } = await read(folder, {});
  expect(classNames).toEqual(['tench', 'crane (n00000002)', 'crane (n00000003)', 'great white shark']);
  await writeFile(names, 'tench');
  expect((await thrownBy(read(folder, {}))).message).toBe(
    `Expected lines of synset and names in ${names}, found "tench". Replace the file by a fresh copy.`,
  );
});

test('groups of synsets are classes', async () => {
  const { folder } = await made(FOUR);
  const groups = { odd: ['n00000003', 'n00000001'], even: ['n00000002'] };
  const { classNames, train, shape } = await inMemory(await read(folder, { groups, grayscale: true }));
  expect([classNames, [...train.labels], shape]).toEqual([
    ['odd', 'even'],
    [0, 0, 1],
    [4, 4, 1],
  ]);
  expect(await thrownBy(read(folder, { groups: { ...groups, more: ['n9', 'n8'] } }))).toEqual({
    code: 'DATA_MISSING',
    message: `Expected the folders n9, n8 of the class more in ${join(folder, 'train')}, found none. Put them there, or take them out of dataset.groups.`,
  });
});

test('Restricted ImageNet is nine ranges of the thousand synsets', async () => {
  const { folder } = await made("[f'n{i:08d}' for i in range(1000)]");
  const source = await read(folder, {}, 'restricted-imagenet');
  expect(source.classNames).toEqual([
    'dog',
    'cat',
    'frog',
    'turtle',
    'bird',
    'monkey',
    'fish',
    'crab',
    'insect',
  ]);
  const { train } = await inMemory({ ...source, test: source.train });
  const counts = source.classNames.map((_, label) => train.labels.filter((other) => other === label).length);
  expect(counts).toEqual([118, 5, 3, 5, 21, 18, 9, 4, 20]);
  const firstOf = (label: number) => train.images[48 * train.labels.indexOf(label)];
  expect(source.classNames.map((_, label) => firstOf(label))).toEqual(
    [151, 281, 30, 33, 80, 365, 389, 118, 300].map((place) => place % 256),
  );
});

describe('what is missing', () => {
  test('validation images that are not sorted, and synsets of one split alone', async () => {
    const { folder } = await made(FOUR);
    const val = join(folder, 'val');
    await mkdir(join(val, 'n00000009'));
    expect(await thrownBy(read(folder, {}))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the same synsets in train and val of ${folder}, found n00000009 only in val. Add the missing folders to train, or name the synsets of each class in dataset.groups.`,
    });
    const groups = { a: ['n00000001'], b: ['n00000002'] };
    expect((await read(folder, { groups })).classNames).toEqual(['a', 'b']);
    const without = async (found: string) =>
      expect(await thrownBy(read(folder, {}))).toEqual({
        code: 'DATA_MISSING',
        message: `Expected a folder of pictures in ${val} for each synset, as in train, found none for ${found}. Sort the validation images into folders of synsets.`,
      });
    await rm(join(val, 'n00000002'), { recursive: true });
    await without('n00000002');
    await rename(join(val, 'n00000001/n00000001_1.JPEG'), join(val, 'ILSVRC2012_val_00000001.JPEG'));
    for (const synset of ['n00000001', 'n00000003', 'n00000004'])
      await rm(join(val, synset), { recursive: true });
    await without('n00000001 and 3 others');
  });

  test('folders of splits, and synsets', async () => {
    const empty = await temporaryFolder();
    expect(await thrownBy(read(empty, {}))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the folders train and val in ${empty}, each with a folder of pictures for each synset, found no train and no val. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.`,
    });
    const { folder } = await made(FOUR);
    expect(await thrownBy(read(folder, {}, 'restricted-imagenet'))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the folders of all 1000 synsets in ${join(folder, 'train')}, because the classes of Restricted ImageNet are ranges of them, found 4. Add the others, or name the synsets of each class in dataset.groups.`,
    });
  });
});
