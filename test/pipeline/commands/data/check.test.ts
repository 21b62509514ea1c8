/** `pipeline data check`, on small files of the official layouts. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readingBar } from '../../../../pipeline/commands/data/reading-bar.ts';
import { thisWorld } from '../../../../pipeline/world.ts';
import { CATALOGUE } from '../../../../store/datasets/catalogue.ts';
import type { DatasetEntry } from '../../../../store/datasets/catalogue-entry.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { fileServer } from '../../download/file-server.ts';
import { data, describedFile, sha256, tarOf, tinyCifar10, writeTinyCifar10 } from './fixture.ts';

const real = (name: string) => CATALOGUE.find((entry) => entry.name === name)!;
const FOLDER = 'cifar-10-batches-bin';

afterEach(() => {
  process.exitCode = undefined;
});

/** Downloads the small CIFAR-10; returns how to check it. */
async function fetched() {
  const folder = await temporaryFolder();
  const bytes = await tarOf(tinyCifar10());
  const server = await fileServer(bytes);
  const download = { ...describedFile('c.tar.gz', bytes, server.url), archive: 'tar.gz', strip: 1 } as const;
  const entry: DatasetEntry = { ...real('cifar10'), downloads: [{ ...download, into: FOLDER }] };
  const surroundings = { catalogue: [entry] };
  expect((await data(['get', 'cifar10', '--data', folder], surroundings)).code).toBe(0);
  const check = (...words: string[]) => data(['check', ...words, '--data', folder], surroundings);
  return { folder, check, path: (name: string) => join(folder, FOLDER, name) };
}

describe('files that were downloaded', () => {
  it('are official', async () => {
    const { folder, check } = await fetched();
    expect(await check()).toEqual({
      code: 0,
      stderr: '',
      stdout: `cifar10             reads whole: 10 train, 2 test images
                    ${folder}/${FOLDER}
                    the official files have 50,000 train, 10,000 test images
                    files: all byte for byte the official files
`,
    });
  });

  it('are damaged if one has changed or is missing', async () => {
    const { folder, check, path } = await fetched();
    const bytes = readFileSync(path('data_batch_1.bin'));
    const before = sha256(bytes);
    bytes[100]! ^= 1;
    writeFileSync(path('data_batch_1.bin'), bytes);
    const one = await check('cifar10');
    expect(one.code).toBe(1);
    expect(one.stdout).toBe(`cifar10             damaged, but reads whole: 10 train, 2 test images
                    ${folder}/${FOLDER}
                    the official files have 50,000 train, 10,000 test images
                    files: 5 of 6 byte for byte the official files; 1 of 6
                    damaged since they were unpacked
                    - data_batch_1.bin: sha256
                    ${sha256(bytes)}
                    instead of
                    ${before}
`);
    rmSync(path('test_batch.bin'));
    const two = await check('--json');
    expect(two.code).toBe(1);
    const [set] = JSON.parse(two.stdout).sets;
    expect(set.files.filter(({ state }: { state: string }) => state !== 'official')).toEqual([
      {
        file: 'data_batch_1.bin',
        state: 'changed',
        detail: `sha256 ${sha256(bytes)} instead of ${before}`,
      },
      { file: 'test_batch.bin', state: 'missing', detail: null },
    ]);
    expect(set).toMatchObject({ name: 'cifar10', images: null });
    expect(set.error).toMatch(/^Expected the CIFAR-10 files .* found no test_batch.bin there\./);
  });

  it('that cannot be read are told with what the reader says', async () => {
    const { check, path } = await fetched();
    truncateSync(path('data_batch_2.bin'), 5000);
    const { code, stdout } = await check();
    expect(code).toBe(1);
    expect(
      stdout
        .split('\n')
        .slice(0, 3)
        .map((line) => line.trim()),
    ).toEqual(['cifar10             cannot be read', path(''), 'Expected records of 3073 bytes in']);
    expect(stdout).toContain('- data_batch_2.bin: 5000 bytes that begin with bytes');
    expect(stdout).toContain('instead of 6146\n');
  });
});

describe('of several data sets', () => {
  it('those that cannot be read do not keep from the others', async () => {
    const folder = await temporaryFolder();
    const place = writeTinyCifar10(folder);
    for (const name of real('cifar10').layouts[0].files) truncateSync(join(place, name), 3073);
    mkdirSync(join(folder, 'mnist'));
    const ring = join(folder, 'mnist/train-images-idx3-ubyte.gz');
    symlinkSync(ring, ring);
    const { code, stdout } = await data(['check', '--json', '--data', folder]);
    expect(code).toBe(1);
    const { sets } = JSON.parse(stdout) as { sets: { name: string; images: object; error: string }[] };
    const of = (name: string) => sets.find((set) => set.name === name)!;
    expect(of('usps').images).toEqual({ train: 7291, test: 2007 });
    expect(of('cifar10').error).toMatch(
      /^Expected training images of every class of cifar10, found none of automobile, .* among all 5;/,
    );
    expect(of('mnist').error).toMatch(
      /^Expected access to .*, found that it is a link that leads back to itself/,
    );
  });
});

describe('files that were put there', () => {
  it('are not known to be official where only the archive has a checksum', async () => {
    const folder = await temporaryFolder();
    writeTinyCifar10(folder);
    const { code, stdout } = await data(['check', 'cifar10', '--data', folder]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `cifar10             reads whole: 10 train, 2 test images
                    ${folder}/${FOLDER}
                    the official files have 50,000 train, 10,000 test images
                    files: all without a known official checksum
`,
    });
  });

  it('are another file than the official one, but no damage, if they read', async () => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, 'usps'));
    const usps = real('usps');
    for (const name of usps.layouts[0].files) {
      writeFileSync(join(folder, 'usps', name), readFileSync(join(usps.bundled!, name)));
    }
    const other = usps.downloads.map((download) => ({ ...download, md5: '0'.repeat(32) }));
    const catalogue = [{ ...usps, downloads: other.map(({ sha256: _, bytes: __, ...rest }) => rest) }];
    const { code, stdout } = await data(['check', '--data', folder], { catalogue });
    expect(code).toBe(0);
    expect(stdout).toContain('usps                reads whole: 7,291 train, 2,007 test images\n');
    expect(stdout).toContain(`
                    files: all not the official files, though they may hold the
                    same images
                    - usps.bz2: md5 `);
    expect(stdout).toContain('0'.repeat(32));
  });
});

it('names that are none are refused', async () => {
  const { code, stderr } = await data(['check', 'cifar11']);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      'Expected the name of a data set, got "cifar11"; did you mean cifar10? `pipeline data list` lists them.\n',
  });
  const { stderr: own } = await data(['check', 'folder']);
  expect(own).toBe(
    'Expected an experiment file with the section dataset, got the name folder, which does not say where its files are; `pipeline data import FILES` prints the section.\n',
  );
});

it('on a terminal a bar shows how far it is', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let written = '';
  const stdout = { isTTY: true, columns: 80, rows: 24, write: (text: string) => (written += text) };
  const environment = { TERM: 'xterm', LANG: 'C.UTF-8' };
  const bar = readingBar({ ...thisWorld(), stdout, environment }, false);
  bar.tell('cifar10 train', 25_000, 50_000);
  vi.advanceTimersByTime(150);
  expect(written).toMatch(/^cifar10 train {10}━{7,8}─{7,8} {2}50%\n$/);
  bar.tell('cifar10 test', 5_000, 10_000);
  bar.close();
  expect(written.endsWith('\u001b[1F\u001b[0J')).toBe(true);
  const silent = readingBar({ ...thisWorld(), stdout, environment }, true);
  const before = written;
  silent.tell('cifar10 train', 1, 2);
  silent.close();
  expect(written).toBe(before);
});
