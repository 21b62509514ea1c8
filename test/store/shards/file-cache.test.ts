import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FileCache } from '../../../store/shards/file-cache.ts';
import { temporaryFolder } from './temporary-stores.ts';

async function makeFiles(count: number): Promise<string[]> {
  const folder = await temporaryFolder();
  const paths = Array.from({ length: count }, (_, i) => join(folder, `${i}.txt`));
  await Promise.all(paths.map((path, i) => writeFile(path, `file ${i}`)));
  return paths;
}

async function readText(cache: FileCache, path: string): Promise<string> {
  return cache.use(path, async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(100), 0, 100, 0);
    return buffer.toString('utf8', 0, bytesRead);
  });
}

test('no more files stay open than it may keep, and all can be read', async () => {
  const paths = await makeFiles(12);
  const before = readdirSync('/proc/self/fd').length;
  const cache = new FileCache(3);
  for (const i of [0, 1, 2, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 11]) {
    expect(await readText(cache, paths[i]!)).toBe(`file ${i}`);
    expect(cache.size).toBeLessThanOrEqual(3);
  }
  expect(readdirSync('/proc/self/fd').length - before).toBe(3);
  await cache.close();
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

test('a file in use is not closed by the use of others', async () => {
  const paths = await makeFiles(6);
  const cache = new FileCache(1);
  await cache.use(paths[0]!, async (file) => {
    for (const path of paths.slice(1)) await readText(cache, path);
    expect((await file.read(Buffer.alloc(4), 0, 4, 0)).bytesRead).toBe(4);
  });
  expect(cache.size).toBe(1);
  await cache.close();
});

test('a file that was not there can be read once it is', async () => {
  const path = join(await temporaryFolder(), 'late.txt');
  const cache = new FileCache(2);
  await expect(readText(cache, path)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(cache.size).toBe(0);
  await writeFile(path, 'here');
  expect(await readText(cache, path)).toBe('here');
  await cache.close();
});

test('closing waits for those who are reading', async () => {
  const [path] = await makeFiles(1);
  const cache = new FileCache(2);
  let hasRead = false;
  const use = cache.use(path!, async (file) => {
    await sleep(20);
    await file.read(Buffer.alloc(4), 0, 4, 0);
    hasRead = true;
  });
  await cache.close();
  expect(hasRead).toBe(true);
  await use;
});
