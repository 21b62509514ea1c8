/** `pipeline data import`: official files by hand, and data of one's own. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { importFolder, layoutsIn } from '../../../../pipeline/commands/data/import-official.ts';
import { CATALOGUE } from '../../../../store/datasets/catalogue.ts';
import type { DatasetEntry } from '../../../../store/datasets/catalogue-entry.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { python } from '../../../support/python.ts';
import { data, describedFile, entry, sha256, tarOf, tinyCifar10, writeTinyCifar10 } from './fixture.ts';

const real = (name: string) => CATALOGUE.find((known) => known.name === name)!;
const EXPLAINED = ' `pipeline data import --help` explains it.';

/** A folder with files that came from elsewhere, and an empty data directory. */
async function places() {
  const folder = await temporaryFolder();
  const [downloads, target] = [join(folder, 'Downloads'), join(folder, 'data')];
  mkdirSync(downloads);
  return { downloads, target };
}

describe('an official file', () => {
  it('that is an archive is unpacked, and stays', async () => {
    const { downloads, target } = await places();
    const bytes = await tarOf(tinyCifar10());
    const into = 'cifar-10-batches-bin';
    const download = { ...describedFile('c.tar.gz', bytes, 'http://a.example'), into };
    const catalogue: DatasetEntry[] = [
      { ...real('cifar10'), downloads: [{ ...download, archive: 'tar.gz', strip: 1 }] },
    ];
    const source = join(downloads, 'c.tar.gz');
    const run = (...words: string[]) => data([...words, '--data', target], { catalogue });

    writeFileSync(source, bytes.subarray(1));
    expect(await run('import', source)).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^Expected the official c\.tar\.gz in \S+, found \d+ bytes that begin with bytes 8b08\w+ instead of \d+\. Remove it, or put a fresh copy in its place\.\n$/,
      ),
    });
    writeFileSync(source, bytes);
    expect(await run('import', source)).toEqual({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        new RegExp(
          `^unpack c.tar.gz: started\nok unpack c.tar.gz  .*\ncifar10 is there now: ${target}/${into}\n$`,
        ),
      ),
    });
    expect(readdirSync(downloads)).toEqual(['c.tar.gz']);
    expect((await run('check')).stdout).toContain('files: all byte for byte the official files\n');
  });

  it('that is an archive of another form than the downloaded one is unpacked to where that is read', async () => {
    const { downloads, target } = await places();
    const source = join(downloads, 'cifar-10-python.tar.gz');
    const script = `
import io, pickle, sys, tarfile
import numpy as np
batch = pickle.dumps({'data': np.zeros((10, 3072), np.uint8), 'labels': list(range(10))}, protocol=2)
with tarfile.open(sys.argv[1], 'w:gz') as archive:
    for name in [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']:
        info = tarfile.TarInfo('cifar-10-batches-py/' + name); info.size = len(batch)
        archive.addfile(info, io.BytesIO(batch))`;
    python(script, [source]);
    const [binary, pickles] = real('cifar10').downloads;
    const made = describedFile(pickles!.name, readFileSync(source), ...pickles!.urls);
    const { md5: _, ...described } = { ...pickles!, ...made, into: pickles!.into };
    const catalogue = [{ ...real('cifar10'), downloads: [binary!, described] }];
    const run = (...words: string[]) => data([...words, '--data', target], { catalogue });
    expect((await run('import', source)).stdout).toMatch(
      new RegExp(`\\ncifar10 is there now: ${target}/cifar-10-batches-py\\n$`),
    );
    expect((await run('check', 'cifar10')).stdout).toContain('files: all byte for byte the official files\n');
    expect((await run('get', 'cifar10')).stdout).toMatch(/^cifar10 was there already: /);
  });

  it('is copied, known by its checksum among files of the same name, and what is missing is told', async () => {
    const { downloads, target } = await places();
    const [cats, dogs] = [Buffer.from('miaow'), Buffer.from('wuff')];
    const of = (name: string, ...bytes: Buffer[]) =>
      bytes.map((content, i) => ({ ...describedFile(`part-${i}`, content, 'http://a.example'), into: name }));
    const read = () => Promise.reject(new Error('not to be read'));
    const files = ['part-0', 'part-1'];
    const catalogue = [
      entry([], of('cats', cats, cats), { layouts: [{ folder: 'cats', files, read }] }),
      entry([], of('dogs', dogs, dogs), { name: 'mnist', layouts: [{ folder: 'dogs', files, read }] }),
    ];
    const take = async (name: string, bytes: Buffer, ...words: string[]) => {
      writeFileSync(join(downloads, name), bytes);
      return data(['import', join(downloads, name), '--data', target, ...words], { catalogue });
    };
    expect((await take('part-0', dogs)).stdout).toBe(`mnist still lacks part-1: ${target}/dogs\n`);
    expect(JSON.parse((await take('part-1', dogs, '--json')).stdout)).toEqual({
      name: 'mnist',
      directory: join(target, 'dogs'),
      lacks: [],
    });
    expect(readdirSync(join(target, 'dogs'))).toEqual(['part-0', 'part-1']);
    expect((await take('part-0', cats, '--set', 'size=3')).stderr).toBe(
      `Expected no --set for official files, which are as they are, got --set size=3.${EXPLAINED}\n`,
    );
    const source = join(downloads, 'part-0');
    expect((await take('part-0', Buffer.from('birds'))).stderr).toBe(
      `Expected the official part-0 in ${source}, found sha256 ${sha256(Buffer.from('birds'))} instead of ${sha256(cats)}. Remove it, or put a fresh copy in its place.\n`,
    );
  });
});

describe('a folder with the files of a data set', () => {
  it('is read whole, then copied', async () => {
    const { downloads, target } = await places();
    const source = writeTinyCifar10(downloads);
    const take = () => data(['import', source, '--data', target]);
    truncateSync(join(source, 'data_batch_3.bin'), 3073);
    const broken = await take();
    expect(broken.stderr).toMatch(
      /^Expected 2 images as in \S+data_batch_1\.bin in \S+data_batch_3\.bin, found 1\./,
    );
    expect(existsSync(join(target, 'cifar-10-batches-bin'))).toBe(false);

    writeTinyCifar10(downloads);
    writeFileSync(join(source, 'notes.txt'), 'not of the data set');
    const directory = join(target, 'cifar-10-batches-bin');
    mkdirSync(directory, { recursive: true });
    const gone = spawnSync('true').pid;
    writeFileSync(join(directory, `test_batch.bin.${gone}-0f.tmp`), 'left by an import that was killed');
    expect(await take()).toEqual({ code: 0, stderr: '', stdout: `cifar10 is there now: ${directory}\n` });
    expect(readdirSync(directory)).toEqual(Object.keys(tinyCifar10()).sort());
    const copied = Object.entries(tinyCifar10()).map(([name, bytes]) =>
      readFileSync(join(directory, name)).equals(bytes),
    );
    expect(copied).toEqual(Array(6).fill(true));
  });

  it('is left at Ctrl-C', async () => {
    const { downloads, target } = await places();
    const source = writeTinyCifar10(downloads);
    const layouts = await layoutsIn(source, [real('cifar10')]);
    const options = {
      dataDirectory: target,
      environment: {},
      signal: AbortSignal.abort(),
      emit: () => undefined,
    };
    await expect(importFolder(source, layouts, options)).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: 'Stopped. Files that were copied are kept; run the same command again for the others.',
    });
    expect(existsSync(join(target, 'cifar-10-batches-bin'))).toBe(false);
  });

  it('whose names two data sets have is known by an official file, or must be said', async () => {
    const { downloads, target } = await places();
    const source = writeTinyCifar10(downloads);
    const [cifar10, batch] = [real('cifar10'), tinyCifar10()['data_batch_1.bin']!];
    const layouts = [{ ...cifar10.layouts[0], folder: 'other' }] as const;
    const other: DatasetEntry = { ...cifar10, name: 'mnist', layouts, downloads: [] };
    const official = { ...describedFile('data_batch_1.bin', batch, 'http://a.example'), into: 'other' };
    const take = async (otherOne: DatasetEntry, ...words: string[]) =>
      data(['import', source, '--data', target, ...words], { catalogue: [cifar10, otherOne] });
    expect((await take(other)).stderr).toBe(
      `Expected to know which data set ${source} is, found files that are named as those of cifar10 and mnist; say which with --as NAME.\n`,
    );
    expect((await take(other, '--as', 'cifar10')).stdout).toContain('cifar10 is there now: ');
    const { stdout } = await take({ ...other, downloads: [official] });
    expect(stdout).toBe(`mnist is there now: ${target}/other\n`);
  });

  it('that two data sets read is put into the folder of both', async () => {
    const { downloads, target } = await places();
    const source = writeTinyCifar10(downloads);
    const catalogue: DatasetEntry[] = [real('cifar10'), { ...real('cifar10'), name: 'mnist' }];
    const { stdout } = await data(['import', source, '--data', target], { catalogue });
    expect(stdout).toBe(`cifar10 is there now: ${target}/cifar-10-batches-bin\n`);
  });
});

describe('data of one’s own', () => {
  /** Pictures of two classes with these widths, all 6 pixels high. */
  async function pets(folder: string, ...widths: number[]): Promise<string> {
    for (const split of ['train', 'test']) {
      for (const name of ['cat', 'dog']) {
        const place = join(folder, 'pets', split, name);
        mkdirSync(place, { recursive: true });
        for (const width of widths) {
          const picture = sharp({ create: { width, height: 6, channels: 3, background: '#804020' } });
          await picture.png().toFile(join(place, `${width}.png`));
        }
      }
    }
    return join(folder, 'pets');
  }
  const catalogue = [real('cifar10'), real('folder')];

  it('are read, and the section is printed that reads them', async () => {
    const { downloads } = await places();
    const source = await pets(downloads, 6);
    const { code, stdout, stderr } = await data(['import', source], { catalogue });
    expect({ code, stderr, stdout }).toEqual({
      code: 0,
      stderr: '',
      stdout: `2 train, 2 test images of 6x6x3, 2 classes (cat, dog)

dataset:
  name: folder
  folder: pets
  size: 6

Put that into an experiment file (\`pipeline init\` writes one), and run it with
  pipeline run --data ${downloads}
`,
    });
    const file = join(downloads, 'pets.yaml');
    const [, section] = stdout.split('\n\n');
    writeFileSync(file, `name: pets\n${section}\n`);
    const shown = await data(['show', file, '--data', downloads], { catalogue });
    expect(shown.stdout).toContain('folder: images of 6x6x3, 2 classes\n');
  });

  it('may be arrays of numpy or Parquet files', async () => {
    const { downloads } = await places();
    const script = `
import io, os, sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from PIL import Image
arrays, files = sys.argv[1:]
os.makedirs(arrays); os.makedirs(files)
for split in ['train', 'test']:
    images, labels = np.arange(4 * 5 * 5, dtype=np.uint8).reshape(4, 5, 5), np.array([0, 1, 1, 0])
    np.savez(f'{arrays}/{split}.npz', images=images, labels=labels)
    def png(image):
        out = io.BytesIO(); Image.fromarray(image).save(out, 'PNG'); return {'bytes': out.getvalue(), 'path': None}
    table = pa.table({'image': [png(image) for image in images], 'label': pa.array(labels, pa.int64())})
    pq.write_table(table, f'{files}/{split}.parquet')`;
    python(script, [join(downloads, 'arrays'), join(downloads, 'files')]);
    const take = async (name: string, ...words: string[]) => {
      const { stdout } = await data(['import', join(downloads, name), '--json', ...words]);
      const { dataset, shape, images } = JSON.parse(stdout);
      return { dataset, shape, images };
    };
    const images = { train: 4, test: 4 };
    expect(await take('arrays')).toEqual({
      dataset: { name: 'numpy', folder: 'arrays' },
      shape: [5, 5, 1],
      images,
    });
    expect(await take('files', '--set', 'size=4', '--as', 'parquet')).toEqual({
      dataset: { name: 'parquet', folder: 'files', size: 4 },
      shape: [4, 4, 3],
      images,
    });
    const { stderr } = await data(['import', join(downloads, 'files'), '--as', 'parquet']);
    expect(stderr).toContain('dataset.size: expected a value, because dataset.name is parquet');
  });

  it('may lie anywhere in the data directory, and need a size where they have several', async () => {
    const { downloads } = await places();
    const source = await pets(join(downloads, 'deep'), 6, 9);
    const take = (...words: string[]) =>
      data(['import', source, '--data', downloads, '--json', ...words], { catalogue });
    expect((await take()).stderr).toBe(
      `Expected --set size=PIXELS, the side to which all pictures in ${source} are brought, as they have sides of 6 to 9 pixels.\n`,
    );
    const { stdout } = await take('--set', 'size=4', '--set', 'grayscale=true');
    expect(JSON.parse(stdout)).toEqual({
      dataset: { name: 'folder', folder: 'deep/pets', size: 4, grayscale: true },
      dataDirectory: downloads,
      shape: [4, 4, 1],
      classNames: ['cat', 'dog'],
      images: { train: 4, test: 4 },
    });
  });

  it('that are damaged, or not what the settings say, are refused', async () => {
    const { downloads } = await places();
    const source = await pets(downloads, 6);
    const take = async (...words: string[]) =>
      (await data(['import', source, ...words], { catalogue })).stderr;
    expect(await take('--set', 'sise=4')).toContain(
      '--set dataset.sise: expected the name of a setting, found an unknown one; the nearest is dataset.size\n',
    );
    writeFileSync(join(source, 'train/cat/6.png'), 'no picture');
    expect(await take()).toMatch(/^Expected a picture in \S+6\.png, found a file that cannot be read as one/);
    rmSync(join(source, 'train'), { recursive: true });
    expect(await take()).toMatch(/^Expected the folders train and test in /);
  });

  it('that may not be read are told so', async () => {
    const { downloads } = await places();
    const ring = join(downloads, 'pets');
    mkdirSync(ring);
    for (const split of ['train', 'test']) writeFileSync(join(ring, split), '');
    const { code, stderr } = await data(['import', ring, '--as', 'folder', '--set', 'size=4']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Expected access to ${ring}/train, found that a file stands where a folder should be (ENOTDIR). Put that right, then run the same command again.\n`,
    });
  });

  it('that no reader knows are refused with what each says', async () => {
    const { downloads } = await places();
    const two = [real('folder'), { ...real('folder'), title: 'the same again' }];
    const { code, stderr } = await data(['import', downloads, '--set', 'size=4'], { catalogue: two });
    expect(code).toBe(1);
    const lines = stderr.split('\n');
    expect(lines[0]).toBe(
      `Expected official files of a data set, or data of your own, found neither in ${downloads}:`,
    );
    expect(lines[2]).toMatch(/^ {2}as folder \(the same again\): Expected the folders train and test in /);
    expect(lines[3]).toBe('Say which it is with --as NAME to see only that.');
  });
});

it('a file under another name is refused with the nearest name', async () => {
  const { downloads } = await places();
  const source = join(downloads, 'cifar-10-binary(1).tar.gz');
  writeFileSync(source, '');
  expect((await data(['import', source])).stderr).toBe(
    `Expected an official file under its own name (the nearest is cifar-10-binary.tar.gz), or a folder with data of your own, got the file ${source}; rename it, or give the folder that it is in.\n`,
  );
  expect((await data(['import', source, '--as', 'folder'])).stderr).toBe(
    `Expected an official file under its own name, or a folder with data of your own, got the file ${source}; rename it, or give the folder that it is in.\n`,
  );
});

it.each([
  [[], `Expected a file or a folder after import.${EXPLAINED}`],
  [['nowhere'], 'Expected a file or a folder at nowhere, found nothing there; check the path.'],
])('%j is refused', async (words, sentence) => {
  expect(await data(['import', ...words])).toEqual({ code: 1, stdout: '', stderr: `${sentence}\n` });
});
