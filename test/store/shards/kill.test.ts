import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { GradientStoreInfo } from '../../../schemas/gradient-store.ts';
import { recordedShards } from '../../../store/shards/shard-files.ts';
import { contentOf, gradientsOf, storeInfo, writeMissing } from './sample-stores.ts';
import { temporaryFolder } from './temporary-stores.ts';

const CHILD = fileURLToPath(new URL('./write-store.child.ts', import.meta.url));
const SETTINGS: Partial<GradientStoreInfo> = {
  shape: [128, 128, 1],
  images: 160,
  targets: 4,
  shardImages: 10,
  codec: 'int8',
};
const SHARDS = 16;
const KILLS = 8;

/** Starts to write a store in another process, and kills that some time after so many shards are finished. */
async function writeAndKill(directory: string, shards: number, delayMs: number): Promise<void> {
  const args = ['--import', 'tsx', CHILD, directory, JSON.stringify(SETTINGS)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const first: unknown[] = await Promise.race([once(child.stdout, 'data'), closed]);
  expect(String(first[0])).toBe('begin\n');
  while (child.exitCode === null && (await recordedShards(directory)).size < shards) await sleep(1);
  await sleep(delayMs);
  child.kill('SIGKILL');
  await closed;
}

test('a store whose writer is killed at any moment is completed to the same bytes', async () => {
  const info = storeInfo(SETTINGS);
  const gradients = gradientsOf(info);
  const whole = await temporaryFolder();
  const startedMs = performance.now();
  await writeMissing(whole, info, gradients);
  const shardMs = (performance.now() - startedMs) / SHARDS;
  const expected = await contentOf(whole);

  const kept: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const directory = await temporaryFolder();
    const begun = (kill * SHARDS) / KILLS;
    const delayMs = shardMs * Math.random();
    await writeAndKill(directory, begun, delayMs);
    const written = await writeMissing(directory, info, gradients);
    kept.push(SHARDS - written.length);
    expect(await contentOf(directory), `killed ${delayMs} ms after ${begun} shards`).toEqual(expected);
  }
  // At least some of the kills came in the middle of the work.
  expect(kept.filter((shards) => shards > 0 && shards < SHARDS).length, `kept ${kept}`).toBeGreaterThan(0);
});
