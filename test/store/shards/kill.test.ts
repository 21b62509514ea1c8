import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { GradientStoreInfo } from '../../../schemas/gradient-store.ts';
import { contentOf, gradientsOf, storeInfo, writeMissing } from './sample-stores.ts';
import { temporaryFolder } from './temporary-stores.ts';

const CHILD = fileURLToPath(new URL('./write-store.child.ts', import.meta.url));
const SETTINGS: Partial<GradientStoreInfo> = {
  shape: [64, 64, 1],
  images: 160,
  targets: 4,
  shardImages: 10,
  codec: 'int8',
};
const KILLS = 8;

/** Starts to write a store in another process, and kills that some time after it has begun. */
async function writeAndKill(directory: string, delayMs: number): Promise<void> {
  const args = ['--import', 'tsx', CHILD, directory, JSON.stringify(SETTINGS)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const first: unknown[] = await Promise.race([once(child.stdout, 'data'), closed]);
  expect(String(first[0])).toBe('begin\n');
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
  const wholeMs = performance.now() - startedMs;
  const expected = await contentOf(whole);

  const kept: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const directory = await temporaryFolder();
    const delayMs = wholeMs * ((kill + Math.random()) / KILLS);
    await writeAndKill(directory, delayMs);
    const written = await writeMissing(directory, info, gradients);
    kept.push(16 - written.length);
    expect(await contentOf(directory), `killed after ${delayMs} ms`).toEqual(expected);
  }
  // At least some of the kills came in the middle of the work.
  expect(kept.filter((shards) => shards > 0 && shards < 16).length, `kept ${kept}`).toBeGreaterThan(0);
});
