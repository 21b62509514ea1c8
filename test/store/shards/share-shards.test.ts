/** Claims to shards, in one process: who gets which, and what is said of those that another host holds. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openGradientWriter } from '../../../store/shards/gradient-writer.ts';
import { makeShards, missingShards } from '../../../store/shards/share-shards.ts';
import { contentOf, gradientsOf, sizeOf, storeInfo } from './sample-stores.ts';
import { makeStore, temporaryFolder } from './temporary-stores.ts';

const INFO = storeInfo({ images: 10, shardImages: 2 });
const gradients = gradientsOf(INFO);
const SINCE = '2026-11-21T00:00:00.000Z';

async function emptyStore() {
  const directory = await temporaryFolder();
  const claims = join(await temporaryFolder(), 'claims');
  await mkdir(claims);
  return { directory, claims, writer: await openGradientWriter(directory, INFO) };
}

type Store = Awaited<ReturnType<typeof emptyStore>>;

/** Makes all that this process gets; returns the shards. */
async function fill(
  { writer, claims }: Store,
  isHelper: boolean,
  rest: { notes?: string[]; tellMs?: number } = {},
) {
  const notes = rest.notes ?? [];
  const { signal } = new AbortController();
  const context = { sharing: { claims, isHelper }, note: (text: string) => void notes.push(text), signal };
  const made: number[] = [];
  const values = INFO.targets * sizeOf(INFO);
  await missingShards(writer, context);
  const before = (await writer.finished()).size;
  let begun = 0;
  const maker = {
    async compute(shard: number, finishedImages: number) {
      const { first, count } = writer.imagesOf(shard);
      // What this process is still writing counts already; what others finish meanwhile may count or not.
      expect(finishedImages).toBeGreaterThanOrEqual(2 * (before + begun++));
      return gradients.subarray(first * values, (first + count) * values);
    },
    async write(shard: number, computed: Float32Array) {
      await writer.write(shard, computed);
      made.push(shard);
    },
  };
  await makeShards(writer, context, maker, rest.tellMs);
  return made;
}

async function claimFrom(claims: string, shard: number, host: string): Promise<string> {
  const path = join(claims, `shard-0000${shard}.lock`);
  const holder = { pid: 1, host, process: null, purpose: `shard ${shard}`, token: 'abc', since: SINCE };
  await writeFile(path, JSON.stringify(holder));
  return path;
}

test('a helper leaves what others have claimed; the owner waits for it and says for whom', async () => {
  const store = await emptyStore();
  const claim = await claimFrom(store.claims, 3, 'far');
  expect(await fill(store, true)).toEqual([0, 1, 2, 4]);
  const notes: string[] = [];
  const owner = fill(store, false, { notes, tellMs: 0 });
  await expect
    .poll(() => notes)
    .toEqual([
      'resuming with 4 of 5 shards finished',
      `waiting for shard 3, made by process 1 on far (shard 3) since ${SINCE}; if that process is gone, which cannot be seen from here, remove ${claim}`,
    ]);
  await rm(claim);
  expect(await owner).toEqual([3]);
  await store.writer.finish();
  const { directory } = await makeStore({ images: 10, shardImages: 2 });
  expect(await contentOf(store.directory)).toEqual(await contentOf(directory));
  expect(await readdir(store.claims)).toEqual([]);
});

test('two at once make every shard once', async () => {
  const store = await emptyStore();
  const made = await Promise.all([fill(store, false), fill(store, true), fill(store, true)]);
  expect(made.flat().sort()).toEqual([0, 1, 2, 3, 4]);
});

test('a helper stops where the folder for claims is gone', async () => {
  const store = await emptyStore();
  await rm(store.claims, { recursive: true });
  expect(await fill(store, true)).toEqual([]);
});

test('the owner leaves files alone that another is writing, and discards those of the dead', async () => {
  const store = await emptyStore();
  const torn = (shard: number) => join(store.directory, `shard-0000${shard}.arrow`);
  await writeFile(torn(1), 'being written');
  await writeFile(torn(2), 'torn');
  await writeFile(`${torn(2)}.1@00000000-00.tmp`, 'of a dead process of another host');
  await claimFrom(store.claims, 1, 'far');
  const claim = async (shard: number) => (shard === 1 ? null : { release: async () => undefined });
  expect(await store.writer.missing(claim)).toEqual([0, 1, 2, 3, 4]);
  expect(await readdir(store.directory)).toEqual(['shard-00001.arrow', 'store.json']);
});

test('a claim that is no lock stops the owner', async () => {
  const store = await emptyStore();
  const path = await claimFrom(store.claims, 0, hostname());
  await writeFile(path, 'something');
  await expect(fill(store, false)).rejects.toMatchObject({
    code: 'ARTIFACT_LOCKED',
    message: `Expected ${path} to name the process that holds it, found something else. If no other run is using it, remove that file and run the same command again.`,
  });
});
