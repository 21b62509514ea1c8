/** `pipeline data get`, from a server of our own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Download } from '../../../../store/datasets/catalogue-entry.ts';
import { MAY_MOUNT, NEEDS_MOUNT, smallDisk } from '../../../store/support/small-disk.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { fileServer } from '../../download/file-server.ts';
import { data, describedFile, entry, sha256, tarOf } from './fixture.ts';

const CATS = Buffer.from('miaow '.repeat(20_000));
const DOGS = Buffer.from('wuff '.repeat(100));

/** Everything below a folder, without what our own lists and locks need. */
const below = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name).slice(folder.length + 1))
    .filter((path) => !path.startsWith('.fetched/animals.json'))
    .sort();

describe('a data set of plain files', () => {
  it('is downloaded to where it is read, once', async () => {
    const folder = join(await temporaryFolder(), 'new');
    const [cats, dogs] = [await fileServer(CATS), await fileServer(DOGS)];
    const downloads = [describedFile('cats', CATS, cats.url), describedFile('dogs.gz', DOGS, dogs.url)];
    const catalogue = [entry(['cats', 'dogs'], downloads)];
    const get = () => data(['get', 'cifar10', '--data', folder], { catalogue });
    const host = new URL(cats.url).host;
    const first = await get();
    expect(first).toEqual({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        new RegExp(
          `^  cats  120 kB  from ${host}\n  dogs.gz  500 B  from 127.0.0.1:\\d+\ncats: started\nok cats  0.\\d s\ndogs.gz: started\nok dogs.gz  0.\\d s\ncifar10 is there now: ${folder}/animals\n$`,
        ),
      ),
    });
    expect(below(folder)).toEqual(['animals/cats', 'animals/dogs.gz']);
    expect(readFileSync(join(folder, 'animals/cats')).equals(CATS)).toBe(true);
    expect(await get()).toEqual({
      code: 0,
      stderr: '',
      stdout: `cifar10 was there already: ${folder}/animals\n`,
    });
    expect([cats.asked, dogs.asked]).toEqual([['all'], ['all']]);
  });

  it('is completed; with --optional also by files that are read on request', async () => {
    const folder = await temporaryFolder();
    const server = await fileServer(CATS);
    const names = ['cats', 'kittens', 'lions.gz'];
    const catalogue = [
      entry(
        ['cats', 'kittens'],
        names.map((name) => describedFile(name, CATS, server.url)),
        {
          layouts: [
            {
              folder: 'animals',
              files: ['cats', 'kittens'],
              optional: ['lions'],
              read: () => Promise.reject(new Error('not to be read')),
            },
          ],
        },
      ),
    ];
    mkdirSync(join(folder, 'animals'));
    writeFileSync(join(folder, 'animals/cats'), 'mine');
    const fetched = async (...options: string[]) => {
      const { stdout } = await data(['get', 'cifar10', '--json', '--data', folder, ...options], {
        catalogue,
      });
      return JSON.parse(stdout);
    };
    const directory = join(folder, 'animals');
    expect(await fetched()).toEqual({
      directory: folder,
      sets: [{ name: 'cifar10', directory, fetched: ['kittens'] }],
    });
    expect((await fetched('--optional')).sets).toEqual([
      { name: 'cifar10', directory, fetched: ['lions.gz'] },
    ]);
    expect(readFileSync(join(folder, 'animals/cats'), 'utf8')).toBe('mine');
  });
});

describe('an archive', () => {
  const archived = (bytes: Buffer, ...urls: string[]): Download => ({
    ...describedFile('animals.tar.gz', bytes, ...urls),
    archive: 'tar.gz',
    strip: 1,
  });

  it('is unpacked and removed, and what came out is noted', async () => {
    const folder = await temporaryFolder();
    const bytes = await tarOf({ cats: 'miaow', 'more/dogs': 'wuff' });
    const server = await fileServer(bytes);
    const catalogue = [entry(['cats', 'more'], [archived(bytes, server.url)])];
    const { stdout } = await data(['get', 'cifar10', '--data', folder], { catalogue });
    expect(stdout).toContain('unpack animals.tar.gz: started\n');
    expect(below(folder)).toEqual(['animals/cats', 'animals/more/dogs']);
    expect(JSON.parse(readFileSync(join(folder, '.fetched/animals.json'), 'utf8'))).toEqual({
      'animals.tar.gz': [
        { path: 'animals/cats', bytes: 5, sha256: sha256(Buffer.from('miaow')) },
        { path: 'animals/more/dogs', bytes: 4, sha256: sha256(Buffer.from('wuff')) },
      ],
    });
    await data(['get', 'cifar10', '--data', folder], { catalogue });
    expect(server.asked).toEqual(['all']);
  });

  it('that a crash has left whole is unpacked and removed', async () => {
    const folder = await temporaryFolder();
    const bytes = await tarOf({ cats: 'miaow' });
    mkdirSync(join(folder, '.fetched'));
    writeFileSync(join(folder, '.fetched/animals.tar.gz'), bytes);
    const catalogue = [entry(['cats'], [archived(bytes, 'http://127.0.0.1:1/x')])];
    expect((await data(['get', 'cifar10', '--data', folder], { catalogue })).code).toBe(0);
    expect(below(folder)).toEqual(['animals/cats']);
  });

  it('that was put there by hand is unpacked and stays, if it is the official one', async () => {
    const folder = await temporaryFolder();
    const bytes = await tarOf({ cats: 'miaow' });
    const path = join(folder, 'animals.tar.gz');
    const catalogue = [entry(['cats'], [archived(bytes, 'http://127.0.0.1:1/x')])];
    const get = () => data(['get', 'cifar10', '--data', folder], { catalogue });

    writeFileSync(path, 'another');
    expect((await get()).stderr).toBe(
      `Expected the official animals.tar.gz in ${path}, found 7 bytes that begin with "another" instead of ${bytes.length}. Remove it, or put a fresh copy in its place.\n`,
    );
    writeFileSync(path, bytes);
    expect((await get()).code).toBe(0);
    expect(below(folder)).toEqual(['animals.tar.gz', 'animals/cats']);
  });
});

describe('what is asked for', () => {
  const large = { ...describedFile('cats', CATS, 'http://a.example/cats'), bytes: 3e9 };
  const catalogue = [
    entry(['cats'], [large]),
    entry(['dogs'], [], { name: 'folder', title: 'dogs', byHand: 'Ask the authors for the files.' }),
    entry(['birds'], [], { name: 'mnist', title: 'birds' }),
    entry(['fish'], [{ ...describedFile('fish.zip', CATS), archive: 'zip' }], {
      name: 'usps',
      title: 'fish',
    }),
  ];

  it.each([
    [[], 'Expected the name of a data set after get. `pipeline data get --help` explains it.'],
    [
      ['cifr'],
      'Expected the name of a data set, got "cifr"; did you mean cifar10? `pipeline data list` lists them.',
    ],
    [
      ['folder'],
      'Expected a data set that can be downloaded, got folder (dogs). Ask the authors for the files.',
    ],
    [
      ['mnist'],
      'Expected a data set that can be downloaded, got mnist (birds). Put its files in F/animals by hand.',
    ],
    [
      ['usps'],
      'Expected a data set that can be downloaded, got usps (fish). Put its files in F/animals by hand.\nWhat is missing, and where it belongs:\n  F/fish.zip',
    ],
    [
      ['cifar10'],
      'Expected a terminal to ask whether to download 3.0 GB, found none; add --yes to do so without a question.',
    ],
  ])('%j is refused', async (names, sentence) => {
    const folder = await temporaryFolder();
    const { code, stderr } = await data(['get', ...names, '--data', folder], { catalogue });
    expect({ code, stderr: stderr.replaceAll(folder, 'F') }).toEqual({ code: 1, stderr: `${sentence}\n` });
  });

  it.skipIf(!MAY_MOUNT)(`must have room${NEEDS_MOUNT}`, async () => {
    const disk = smallDisk(64);
    const { stderr } = await data(['get', 'cifar10', '--data', disk], { catalogue });
    expect(stderr).toBe(
      `Expected 3.0 GB of room in ${disk} for the download, found 66 kB. Free some space, or choose a folder on another disk (--data DIR).\n`,
    );
  });

  it('is told with every place that does not give it', async () => {
    const folder = await temporaryFolder();
    const url = 'http://127.0.0.1:1/cats';
    const byHand = 'Ask the authors for it.';
    const alone = [entry(['cats'], [describedFile('cats', CATS, url)], { byHand })];
    const { code, stderr } = await data(['get', 'cifar10', '--data', folder], { catalogue: alone });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Expected cats from one of these places, found none that gives it:
  ${url}
    connection refused
Try again later, or put the file by hand at
  ${folder}/animals/cats
and run the same command again.
Ask the authors for it.
`,
    });
  });
});

describe('a download that is ended', () => {
  /** A server that sends half of the file and then nothing, until it is told to be whole. */
  async function halfServer() {
    const server = await fileServer(CATS, {
      answer: (_, response) => {
        response.writeHead(200, { 'Content-Length': CATS.length, ETag: '"one"' });
        response.write(CATS.subarray(0, 60_000));
      },
    });
    return server;
  }

  async function startGet(folder: string, url: string) {
    const child = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        join(import.meta.dirname, 'get.child.ts'),
        folder,
        JSON.stringify(describedFile('cats', CATS, url)),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const part = join(folder, 'animals/cats.part');
    while (!existsSync(part) || statSync(part).size < 60_000) await sleep(20);
    return { child, output };
  }

  it.each(['SIGKILL', 'SIGINT'] as const)('by %s goes on from there', async (signal) => {
    const folder = await temporaryFolder();
    const server = await halfServer();
    const { child, output } = await startGet(folder, server.url);
    child.kill(signal);
    const [code] = await once(child, 'exit');
    const [, stderr] = await output;
    if (signal === 'SIGINT') {
      const stopped = 'Stopped. What has come is kept; the same command goes on from there.\n';
      expect({ code, stderr }).toEqual({ code: 130, stderr: stopped });
    }
    delete server.file.answer;
    const catalogue = [entry(['cats'], [describedFile('cats', CATS, server.url)])];
    expect((await data(['get', 'cifar10', '--data', folder], { catalogue })).code).toBe(0);
    expect(server.asked).toEqual(['all', 'bytes=60000-']);
    expect(readFileSync(join(folder, 'animals/cats')).equals(CATS)).toBe(true);
    expect(below(folder)).toEqual(['animals/cats']);
  });

  it('keeps another process from the same file', async () => {
    const folder = await temporaryFolder();
    const server = await halfServer();
    const { child, output } = await startGet(folder, server.url);
    const catalogue = [entry(['cats'], [describedFile('cats', CATS, server.url)])];
    const second = data(['get', 'cifar10', '--data', folder], { catalogue });
    await sleep(400);
    expect(server.asked).toEqual(['all']);
    delete server.file.answer;
    child.kill('SIGKILL');
    await output;
    expect((await second).stdout).toMatch(
      new RegExp(`\ncifar10: waiting for process ${child.pid} .*download of cifar10.*\n`),
    );
    expect(server.asked).toEqual(['all', 'bytes=60000-']);
  });
});
