/** The reader's memory must not grow with the store. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makeStore } from './temporary-stores.ts';

const CHILD = fileURLToPath(new URL('./read-store.child.ts', import.meta.url));
const MEGABYTE = 2 ** 20;

test.each(['float32', 'float16'] as const)(
  'reading a store of 74 MB of %s at random and in order takes 32 MB at most',
  async (codec) => {
    const images = codec === 'float32' ? 600 : 1200;
    const { directory, info } = await makeStore({
      shape: [32, 32, 3],
      images,
      targets: 10,
      shardImages: images / 3,
      codec,
    });
    const args = ['--expose-gc', '--import', 'tsx', CHILD, directory];
    const found = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
    expect([found.rows, found.inOrder]).toEqual([info.images * 10, info.images * 10]);
    expect(found.grownBytes).toBeLessThan(32 * MEGABYTE);
    expect(found.peakBytes).toBeLessThan(256 * MEGABYTE);
  },
);
