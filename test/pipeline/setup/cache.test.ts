import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { installOnce } from '../../../pipeline/setup/cache.mjs';
import { cacheDirectory } from '../../../pipeline/setup/machine.mjs';
import { machineForTests, mountTmpfs, temporaryFolder } from './machine-for-tests.ts';

describe('installOnce', () => {
  test('fills a folder once, and the second caller gets what is there', async () => {
    const machine = machineForTests();
    let calls = 0;
    const fill = async (folder: string) => {
      calls += 1;
      await writeFile(join(folder, 'file'), 'content');
    };
    const target = await installOnce(machine, 'a/b', 0, fill);
    await installOnce(machine, 'a/b', 0, fill);
    expect(calls).toBe(1);
    expect(target).toBe(join(machine.cache, 'a/b'));
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('content');
  });

  test('a failed filling leaves nothing behind', async () => {
    const machine = machineForTests();
    const failing = installOnce(machine, 'a', 0, async (folder) => {
      await writeFile(join(folder, 'half'), '');
      throw new Error('cut');
    });
    await expect(failing).rejects.toThrow(/^cut$/);
    expect(existsSync(join(machine.cache, 'a'))).toBe(false);
    expect(readdirSync(join(machine.cache, 'unfinished'))).toEqual([]);
  });

  test('two that fill at the same time both get one whole folder', async () => {
    const machine = machineForTests();
    const fill = (own: string) => async (folder: string) => {
      await writeFile(join(folder, 'one'), own);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await writeFile(join(folder, 'two'), own);
    };
    await Promise.all(['x', 'y'].map((own) => installOnce(machine, 'a', 0, fill(own))));
    const [one, two] = ['one', 'two'].map((name) => readFileSync(join(machine.cache, 'a', name), 'utf8'));
    expect(one).toBe(two);
    expect(readdirSync(join(machine.cache, 'unfinished'))).toEqual([]);
  });

  test('a killed installation does not count, and the next one clears it away and succeeds', async () => {
    const machine = machineForTests();
    const setup = pathToFileURL(join(machine.project, 'pipeline/setup/')).href;
    const script = `
      import { installOnce } from '${setup}cache.mjs';
      import { thisMachine } from '${setup}machine.mjs';
      await installOnce(thisMachine({ cache: process.argv[1] }), 'a', 0, async () => {
        process.stdout.write('filling');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, machine.cache]);
    await once(child.stdout, 'data');
    const unfinished = join(machine.cache, 'unfinished');
    expect(readdirSync(unfinished)).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(existsSync(join(machine.cache, 'a'))).toBe(false);
    await installOnce(machine, 'a', 0, (folder) => writeFile(join(folder, 'file'), ''));
    expect(existsSync(join(machine.cache, 'a/file'))).toBe(true);
    expect(readdirSync(unfinished)).toEqual([]);
  });

  test('what a living process or another host is filling stays', async () => {
    const machine = machineForTests();
    const others = [`${machine.host}-${process.pid}-00000000`, 'elsewhere-1-00000000'];
    for (const name of others) mkdirSync(join(machine.cache, 'unfinished', name), { recursive: true });
    await installOnce(machine, 'a', 0, async () => {});
    expect(readdirSync(join(machine.cache, 'unfinished')).sort()).toEqual([...others].sort());
  });

  test('too little disk space is found before anything is fetched', async () => {
    const machine = machineForTests();
    await expect(installOnce(machine, 'a', 1e18, async () => expect.unreachable())).rejects.toThrow(
      new RegExp(
        `^Expected 1000000000000 MB of free disk space in the cache folder ${machine.cache}, found \\d+ MB: free some, or set XDG_CACHE_HOME to a folder on a larger disk\\.$`,
      ),
    );
  });

  test('on a small disk the space that is really free is stated', async ({ skip }) => {
    const disk = mountTmpfs('size=4000000');
    if (disk === null) return skip('mounting a tmpfs is not allowed here');
    await expect(installOnce(machineForTests({ cache: disk }), 'a', 1.1e9, async () => {})).rejects.toThrow(
      `Expected 1100 MB of free disk space in the cache folder ${disk}, found 4 MB: free some, or set XDG_CACHE_HOME to a folder on a larger disk.`,
    );
  });

  test('a cache below something that is no folder', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const machine = machineForTests({ cache: join(file, 'cache') });
    await expect(installOnce(machine, 'a', 0, async () => {})).rejects.toThrow(
      `Expected to be able to write to the cache folder ${file}/cache, got ENOTDIR: make it writable, or set XDG_CACHE_HOME to a folder that is.`,
    );
  });

  test('a read-only cache', async ({ skip }) => {
    const disk = mountTmpfs('ro');
    if (disk === null) return skip('mounting a tmpfs is not allowed here');
    await expect(installOnce(machineForTests({ cache: disk }), 'a', 0, async () => {})).rejects.toThrow(
      `Expected to be able to write to the cache folder ${disk}, got EROFS: make it writable, or set XDG_CACHE_HOME to a folder that is.`,
    );
  });
});

test('the cache follows XDG_CACHE_HOME, else HOME', () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: '/x', HOME: '/h' })).toBe('/x/pag-pipeline');
  expect(cacheDirectory({ HOME: '/h' })).toBe('/h/.cache/pag-pipeline');
});
