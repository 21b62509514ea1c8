import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { entryOf } from '../../../store/datasets/catalogue.ts';
import type { FileDatasetName } from '../../../store/datasets/catalogue-entry.ts';
import { findDatasets, placeOf } from '../../../store/datasets/find-datasets.ts';
import { readFiles } from '../../../store/datasets/readers.ts';
import { bundledUspsDirectory } from '../../../store/datasets/usps.ts';
import { inMemory } from '../support/in-memory.ts';
import { realData } from '../support/real-data.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { thrownBy } from '../support/thrown-by.ts';

const configOf = (dataset: { name: FileDatasetName; folder?: string; size?: number }) =>
  variantConfigSchema.parse({ dataset }).dataset;

const uspsPlace = async (data: string) => (await placeOf(entryOf('usps'), data))?.directory;

describe('where data is looked for', () => {
  test('without a data directory only the bundled digits are found', async () => {
    const found = await findDatasets(null);
    expect(found[0]).toEqual({ name: 'usps', found: true, where: bundledUspsDirectory() });
    expect(found.slice(1).every((set) => !set.found && set.where === '')).toBe(true);
    expect(found.map(({ name }) => name)).not.toContain('folder');
  });

  test('a set is found when all of its files are there, packed or not', async () => {
    const data = await temporaryFolder();
    await mkdir(join(data, 'mnist'));
    const names = ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte.gz'];
    for (const name of names) await writeFile(join(data, 'mnist', name), '');
    const mnist = { name: 'mnist', where: join(data, 'mnist') };
    expect((await findDatasets(data))[1]).toEqual({ ...mnist, found: false });
    await writeFile(join(data, 'mnist', 't10k-labels-idx1-ubyte'), '');
    expect((await findDatasets(data))[1]).toEqual({ ...mnist, found: true });
  });

  test("one's own USPS files come first, and half of them are not silently replaced", async () => {
    const data = await temporaryFolder();
    expect(await uspsPlace(data)).toBe(bundledUspsDirectory());
    await mkdir(join(data, 'usps'));
    expect(await uspsPlace(data)).toBe(bundledUspsDirectory());
    await writeFile(join(data, 'usps', 'usps.bz2'), '');
    expect(await uspsPlace(data)).toBe(join(data, 'usps'));
    expect(await thrownBy(readFiles('usps', data, configOf({ name: 'usps' })))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the USPS files usps.bz2, usps.t.bz2 in ${join(data, 'usps')}, found no usps.t.bz2 there. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.`,
    });
  });

  test.each([
    ['mnist', 'mnist'],
    ['cifar10', 'cifar-10-batches-bin'],
    ['folder', 'my/cats'],
  ] as const)('%s without a data directory', async (name, folder) => {
    expect(
      await thrownBy(
        readFiles(name, null, configOf(name === 'folder' ? { name, folder, size: 8 } : { name })),
      ),
    ).toEqual({
      code: 'DATA_MISSING',
      message: `Expected a data directory with the folder ${folder}, found none: name the data directory with --data DIR or the environment variable PAG_DATA.`,
    });
  });

  test('the form that is there is read, and another folder where the configuration names one', async () => {
    const data = await temporaryFolder();
    const where = async (name: FileDatasetName, folder?: string) => {
      const settings = folder === undefined ? { name } : { name, folder };
      const place = await placeOf(entryOf(name), data, configOf(settings));
      return [place!.directory, entryOf(name).layouts.indexOf(place!.layout)];
    };
    expect(await where('cifar10')).toEqual([join(data, 'cifar-10-batches-bin'), 0]);
    await mkdir(join(data, 'cifar-10-batches-py'));
    await writeFile(join(data, 'cifar-10-batches-py', 'data_batch_3'), '');
    expect(await where('cifar10')).toEqual([join(data, 'cifar-10-batches-py'), 1]);
    await mkdir(join(data, 'mine'));
    await writeFile(join(data, 'mine', 'data_batch_3.bin'), '');
    expect(await where('cifar10', 'mine')).toEqual([join(data, 'mine'), 0]);
    expect(await where('imagenet64', 'elsewhere')).toEqual([join(data, 'elsewhere'), 0]);
  });

  test('a folder of pictures is looked for below the data directory', async () => {
    const reading = readFiles('folder', '/nowhere', configOf({ name: 'folder', folder: 'my/cats', size: 8 }));
    expect((await thrownBy(reading)).message).toContain(
      'Expected the folders train and test in /nowhere/my/cats,',
    );
  });
});

const real = { usps: realData(''), mnist: realData('mnist'), cifar10: realData('cifar-10-batches-bin') };

describe.each(['usps', 'mnist', 'cifar10'] as const)('%s keeps the promises of every data set', (name) => {
  const { isThere, note } = real[name];
  test.skipIf(name !== 'usps' && !isThere)(
    `counts, sizes, ranges and checksums${name === 'usps' ? '' : note}`,
    async () => {
      const {
        shape,
        classNames,
        train,
        test: testSplit,
        sources,
        provenance,
      } = await inMemory(await readFiles(name, isThere ? realData('').path : null, configOf({ name })));
      expect(new Set(classNames).size).toBe(10);
      expect(provenance.length).toBeGreaterThan(20);
      for (const { images, labels } of [train, testSplit]) {
        expect(images.length).toBe(labels.length * shape.reduce((product, side) => product * side, 1));
        expect([...new Set(labels)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        expect([
          images.reduce((a, b) => Math.min(a, b), 255),
          images.reduce((a, b) => Math.max(a, b), 0),
        ]).toEqual([0, 255]);
      }
      for (const { bytes, sha256 } of sources) {
        expect(bytes).toBeGreaterThan(0);
        expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      }
    },
  );
});
