import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  collectLeftovers,
  collectLeftoversOf,
  makeDirectory,
  publishFile,
  temporaryName,
  translateDiskError,
  writeFileAtomic,
} from '../../store/atomic-file.ts';
import { MAY_MOUNT, makeReadOnly, NEEDS_MOUNT, smallDisk } from './support/small-disk.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const WHAT_TO_DO =
  'Free some space or choose a folder on another disk (--runs DIR, --data DIR), then run the same command again; what was finished is kept.';
const WHERE_TO_WRITE =
  'Make its folder writable or choose another one (--runs DIR, --data DIR), then run the same command again.';

async function goneProcess(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid!;
}

describe('writing', () => {
  test('a file has its whole content and no temporary file stays', async () => {
    const folder = await temporaryFolder();
    await writeFileAtomic(join(folder, 'a.txt'), 'first');
    await writeFileAtomic(join(folder, 'a.txt'), new Uint8Array([0x32, 0x6e, 0x64]));
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('2nd');
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  test('many writers of one name leave one whole content', async () => {
    const folder = await temporaryFolder();
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(50_000));
    await Promise.all(texts.map((text) => writeFileAtomic(join(folder, 'a.txt'), text)));
    expect(texts).toContain(await readFile(join(folder, 'a.txt'), 'utf8'));
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  test('a streamed temporary file is put in place', async () => {
    const folder = await temporaryFolder();
    const temporary = temporaryName(join(folder, 'b.bin'));
    await writeFile(temporary, 'streamed');
    await publishFile(temporary, join(folder, 'b.bin'));
    expect(await readdir(folder)).toEqual(['b.bin']);
  });

  test('a writer killed at any moment leaves the old or the new content, never a part', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a.txt');
    const worker = new URL('./support/rewriting-worker.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', worker, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout!, 'data');
    await new Promise((resolve) => setTimeout(resolve, 53));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const text = await readFile(path, 'utf8');
    expect(text).toBe(text[0]!.repeat(3_000_000));
    await collectLeftovers(folder);
    expect(await readdir(folder)).toEqual(['a.txt']);
  });
});

describe.skipIf(!MAY_MOUNT)(`on a disk without room${NEEDS_MOUNT}`, () => {
  test('writing says that the disk is full, keeps the old file and removes the torn one', async () => {
    const path = join(smallDisk(64), 'a.bin');
    await writeFileAtomic(path, 'old');
    expect(await thrownBy(writeFileAtomic(path, new Uint8Array(200_000)))).toEqual({
      code: 'DISK_FULL',
      message: `Expected room to write ${path}, found that the disk is full (ENOSPC). ${WHAT_TO_DO}`,
    });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(join(path, '..'))).toEqual(['a.bin']);
  });

  test('a read-only disk is named when writing, publishing, making folders and cleaning', async () => {
    const folder = smallDisk(64);
    const path = join(folder, 'a.bin');
    const gone = `${path}.${await goneProcess()}-00ff.tmp`;
    await writeFile(gone, 'x');
    makeReadOnly(folder);
    const refusal = (at: string) => ({
      code: 'NOT_WRITABLE',
      message: `Expected to be allowed to write ${at}, found that the file system is read-only (EROFS). ${WHERE_TO_WRITE}`,
    });
    expect(await thrownBy(writeFileAtomic(path, 'x'))).toEqual(refusal(path));
    expect(await thrownBy(publishFile(gone, path))).toEqual(refusal(path));
    expect(await thrownBy(makeDirectory(join(folder, 'b')))).toEqual(refusal(join(folder, 'b')));
    expect(await thrownBy(collectLeftovers(folder))).toEqual(refusal(gone));
  });
});

describe('errors of the system', () => {
  test('a used-up quota and a missing permission are named', () => {
    const quota = translateDiskError(Object.assign(new Error(), { code: 'EDQUOT' }), '/r/x');
    expect((quota as Error).message).toBe(
      `Expected room to write /r/x, found that the disk quota is used up (EDQUOT). ${WHAT_TO_DO}`,
    );
    for (const code of ['EACCES', 'EPERM']) {
      const refused = translateDiskError(Object.assign(new Error(), { code }), '/r/x');
      expect((refused as Error).message).toBe(
        `Expected to be allowed to write /r/x, found that permission is denied (${code}). ${WHERE_TO_WRITE}`,
      );
    }
  });

  test('anything else is passed on as it is', () => {
    const other = new Error('other');
    expect(translateDiskError(other, '/r/x')).toBe(other);
    expect(translateDiskError(null, '/r/x')).toBe(null);
  });

  test('a file in the place of a folder is named', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'runs'), '');
    for (const path of [join(folder, 'runs'), join(folder, 'runs', 'artifacts')]) {
      expect(await thrownBy(makeDirectory(path))).toEqual({
        code: 'NOT_WRITABLE',
        message: `Expected a folder at ${path}, found a file there or above it. Move that file away, or choose another folder (--runs DIR, --data DIR).`,
      });
    }
  });

  test('folders are made at any depth and may be there already', async () => {
    const folder = await temporaryFolder();
    const deep = join(folder, 'a', 'b', 'c');
    await Promise.all([makeDirectory(deep), makeDirectory(deep), makeDirectory(join(folder, 'a', 'd'))]);
    await makeDirectory(deep);
    expect(await readdir(join(folder, 'a'))).toEqual(['b', 'd']);
  });

  test.skipIf(process.getuid?.() === 0)('a folder without write permission is named', async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o555);
    expect((await thrownBy(writeFileAtomic(join(folder, 'a'), ''))).code).toBe('NOT_WRITABLE');
  });
});

describe('leftovers', () => {
  test('those of gone processes are removed also below, those of running ones and other files stay', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'sub'));
    const gone = await goneProcess();
    const names = [
      `sub/b.${gone}-0a.tmp`,
      `a.${gone}-ff.tmp`,
      `c.${process.pid}-0a.tmp`,
      `d.${process.ppid}-0a.tmp`,
      'e.tmp',
      'f',
    ];
    for (const name of names) await writeFile(join(folder, name), '');
    expect(await collectLeftovers(folder)).toEqual([`a.${gone}-ff.tmp`, `sub/b.${gone}-0a.tmp`]);
    expect(await readdir(folder)).toEqual([
      `c.${process.pid}-0a.tmp`,
      `d.${process.ppid}-0a.tmp`,
      'e.tmp',
      'f',
      'sub',
    ]);
  });

  test('those of one file are removed alone', async () => {
    const folder = await temporaryFolder();
    const gone = await goneProcess();
    const names = [
      `a.npy.${gone}-0a.tmp`,
      `a.npy.${process.pid}-0a.tmp`,
      `b.npy.${gone}-0a.tmp`,
      'a.npy.txt',
    ];
    for (const name of names) await writeFile(join(folder, name), '');
    await collectLeftoversOf(join(folder, 'a.npy'));
    expect(await readdir(folder)).toEqual(names.slice(1).sort());
  });

  test('a file older than the process that has its number now is removed', async () => {
    const folder = await temporaryFolder();
    const name = `a.${process.pid}-0a.tmp`;
    await writeFile(join(folder, name), '');
    await utimes(join(folder, name), 1_000_000, 1_000_000);
    expect(await collectLeftovers(folder)).toEqual([name]);
  });

  test('those of another host are removed once they are an hour old', async () => {
    const folder = await temporaryFolder();
    const names = ['a.1@00000000-0a.tmp', 'b.1@00000000-0a.tmp'];
    for (const name of names) await writeFile(join(folder, name), '');
    const old = Date.now() / 1000 - 3700;
    await utimes(join(folder, names[1]!), old, old);
    expect(await collectLeftovers(folder)).toEqual([names[1]]);
  });

  test('a folder that is not there has none', async () => {
    expect(await collectLeftovers('/nowhere/at/all')).toEqual([]);
  });
});
