/** The reader's memory must not grow with the store. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makeStore } from './temporary-stores.ts';

const CHILD = fileURLToPath(new URL('./read-store.child.ts', import.meta.url));

test('reading a store of 74 MB in random order grows the process by less than 32 MB', async () => {
  const { directory } = await makeStore({
    shape: [32, 32, 3],
    images: 600,
    targets: 10,
    shardImages: 200,
    codec: 'float32',
  });
  const output = execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', CHILD, directory], {
    encoding: 'utf8',
  });
  const { rows, grownBytes } = JSON.parse(output) as { rows: number; grownBytes: number };
  expect(rows).toBe(6000);
  expect(grownBytes).toBeLessThan(32 * 2 ** 20);
});
