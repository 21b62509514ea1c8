/** `pipeline data show`: figures against NumPy's, sheets against another decoder. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { runDataset } from '../../../../stages/dataset/run.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { python } from '../../../support/python.ts';
import { configOf, contextOf } from '../../../support/stage-context.ts';
import { data, pixelOf, writeTinyCifar10 } from './fixture.ts';

async function tiny() {
  const folder = await temporaryFolder();
  const files = writeTinyCifar10(folder);
  const show = (...words: string[]) => data(['show', ...words, '--data', folder]);
  return { folder, files, show };
}

describe('statistics', () => {
  it('are those of NumPy', async () => {
    const { files, show } = await tiny();
    const { stdout } = await show('cifar10', '--json');
    const found = JSON.parse(stdout);
    const script = `
import json, sys, numpy as np
paths = [f'{sys.argv[1]}/data_batch_{i}.bin' for i in range(1, 6)]
records = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 3073) for path in paths])
values = records[:, 1:].reshape(-1, 3, 1024) / 255
axes = (0, 2)
print(json.dumps({'counts': np.bincount(records[:, 0], minlength=10).tolist(), 'mean': values.mean(axes).tolist(),
  'std': values.std(axes).tolist(), 'min': values.min(axes).tolist(), 'max': values.max(axes).tolist()}))`;
    const expected = JSON.parse(String(python(script, [files])));
    const { statistics } = found.splits.train;
    expect(statistics.counts).toEqual(expected.counts);
    for (const key of ['mean', 'std', 'min', 'max']) {
      expected[key].forEach((value: number, c: number) => {
        expect(statistics[key][c]).toBeCloseTo(value, 12);
      });
    }
    expect(found).toMatchObject({ name: 'cifar10', shape: [32, 32, 3], picture: null });
    expect(found.splits.test).toMatchObject({ images: 2 });
  });

  it('fit 80 columns', async () => {
    const { show } = await tiny();
    expect((await show('cifar10', '--split', 'test')).stdout).toBe(`cifar10: images of 32x32x3, 10 classes

test: 2 images
  channel            mean       std       min       max
  red              0.7196    0.0479    0.6275    0.8118
  green            0.2804    0.3997    0.0000    1.0000
  blue             0.3431    0.0479    0.2510    0.4353
  classes      airplane: 0, automobile: 0, bird: 0, cat: 0, deer: 0, dog: 0,
               frog: 0, horse: 0, ship: 2, truck: 0
`);
  });

  it('are there for points, too', async () => {
    const { stdout } = await data(['show', 'toy', '--split', 'test']);
    expect(stdout).toMatch(/^toy: points of 2 numbers, 2 classes\n\ntest: 600 points\n/);
    expect(stdout).toMatch(
      /\n {2}2 +-?0\.\d{4} +61\.\d{4} +-9\d\.\d{4} +9\d\.\d{4}\n {2}classes {6}0: 300, 1: 300\n$/,
    );
  });

  it('of many classes are summed up', async () => {
    const folder = await temporaryFolder();
    const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#804020' } })
      .png()
      .toBuffer();
    for (const split of ['train', 'test']) {
      for (let label = 10; label < 31; label++) {
        mkdirSync(join(folder, 'pets', split, `c${label}`), { recursive: true });
        const images = split === 'train' ? label - 9 : 1;
        for (let i = 0; i < images; i++)
          writeFileSync(join(folder, 'pets', split, `c${label}`, `${i}.png`), png);
      }
    }
    const file = join(folder, 'pets.yaml');
    writeFileSync(file, 'name: pets\ndataset: { name: folder, folder: pets, size: 4 }\n');
    const { stdout } = await data(['show', file, '--split', 'train', '--data', folder]);
    expect(stdout).toContain(
      '\n  classes      fewest c10: 1, median c20: 11, most c30: 21; --json lists all\n',
    );
    expect(stdout).toContain('\n  green            0.2510    0.0000    0.2510    0.2510\n');
  });
});

describe('a contact sheet', () => {
  const pixel = (image: number, x: number) => [0, 1, 2].map((channel) => pixelOf(image, channel, x));

  async function look(path: string) {
    const { data: bytes, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const at = (x: number, y: number) => [
      ...bytes.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
    ];
    return { width: info.width, height: info.height, at };
  }

  it('has images from all over the split', async () => {
    const { folder, show } = await tiny();
    const path = join(folder, 'sheet.png');
    const { stdout } = await show('cifar10', path, '--count', '4');
    expect(stdout.endsWith(`\n\n${path}\n`)).toBe(true);
    // Two by two tiles of 32 pixels, twice enlarged, with gaps of 2.
    const { width, height, at } = await look(path);
    expect([width, height]).toEqual([2 + 2 * 66, 2 + 2 * 66]);
    expect([at(0, 0), at(2, 2), at(5, 3)]).toEqual([[255, 255, 255], pixel(0, 0), pixel(0, 1)]);
    expect([at(68, 2), at(2, 68), at(68, 68)]).toEqual([pixel(2, 0), pixel(5, 0), pixel(7, 0)]);
  });

  it('has a row for each class, with its name', async () => {
    const { folder, show } = await tiny();
    const path = join(folder, 'sheet.png');
    await show('cifar10', path, '--split', 'test', '--per-class', '--count', '20');
    const { width, height, at } = await look(path);
    const left = width - 2 * 66;
    expect(left).toBe('automobile'.length * 12 - 2 + 4);
    expect(height).toBe(2 + 10 * 66);
    const rows = Array.from({ length: 10 }, (_, row) => at(left, 2 + 66 * row));
    const white = [255, 255, 255];
    expect(rows).toEqual(rows.map((_, row) => (row === 8 ? pixel(10, 0) : white)));
    expect(at(left + 66, 2 + 66 * 8)).toEqual(pixel(11, 0));
  });

  it('of an artifact is that of its files', async () => {
    const { folder, show } = await tiny();
    const directory = join(folder, 'artifact');
    mkdirSync(directory);
    const context = contextOf(configOf({ dataset: { name: 'cifar10' } }), {}, directory);
    await runDataset({ ...context, dataDirectory: folder });
    const [one, two] = [join(folder, 'one.png'), join(folder, 'two.png')];
    const [ofFiles, ofArtifact] = [await show('cifar10', one), await show(directory, two)];
    expect(ofArtifact.stdout.replace('two.png', 'one.png')).toBe(ofFiles.stdout);
    const [a, b] = await Promise.all([one, two].map((path) => sharp(path).raw().toBuffer()));
    expect(a!.equals(b!)).toBe(true);
  });
});

describe('what cannot be shown', () => {
  const EXPLAINED = ' `pipeline data show --help` explains it.';
  it.each([
    [[], `Expected a data set after show.${EXPLAINED}`],
    [['cifar10', 'a.jpg'], `Expected a file .png for the contact sheet, got a.jpg.${EXPLAINED}`],
    [['cifar10', '--count', '0'], `Expected --count to be a whole number >= 1, got 0.${EXPLAINED}`],
    [
      ['cifar10', '--count', 'x'],
      `Expected --count to be a whole number >= 1, got something else.${EXPLAINED}`,
    ],
    [
      ['cifar10', '--split', 'tset'],
      `Expected --split to be a split of cifar10 (train, test), got tset.${EXPLAINED}`,
    ],
    [
      ['cifr10'],
      'Expected the name of a data set, an artifact of dataset or an experiment file (.yaml), got "cifr10"; did you mean cifar10? `pipeline data list` lists the names.',
    ],
    [
      ['toy', 'F/a.png'],
      'Expected images for a contact sheet, found points of 2 numbers in toy; leave out the file to have the statistics.',
    ],
    [
      ['F/two.yaml'],
      'Expected one data set in F/two.yaml, found 2 among its variants; give an artifact of dataset instead (`pipeline plan` names them).',
    ],
  ])('%j is refused', async (words, sentence) => {
    const { folder, show } = await tiny();
    writeFileSync(
      join(folder, 'two.yaml'),
      'name: two\ndataset: { name: cifar10 }\nmatrix: { dataset.trainImages: [10, 11] }\n',
    );
    const { code, stdout, stderr } = await show(...words.map((word) => word.replace(/^F\b/, folder)));
    expect({ code, stdout, stderr: stderr.replaceAll(folder, 'F') }).toEqual({
      code: 1,
      stdout: '',
      stderr: `${sentence}\n`,
    });
    expect(existsSync(join(folder, 'a.png'))).toBe(false);
  });
});
