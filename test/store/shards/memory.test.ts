/** The reader's memory must not grow with the store. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makeStore } from './temporary-stores.ts';

const CHILD = fileURLToPath(new URL('./read-store.child.ts', import.meta.url));

test.each([0, 30])(
  'reading a store of 74 MB at random, %i MB kept, grows the process by 32 MB more at most',
  async (kept) => {
    const { directory } = await makeStore({
      shape: [32, 32, 3],
      images: 600,
      targets: 10,
      shardImages: 200,
      codec: 'float32',
    });
    const output = execFileSync(
      process.execPath,
      ['--expose-gc', '--import', 'tsx', CHILD, directory, String(kept * 2 ** 20)],
      {
        encoding: 'utf8',
      },
    );
    const { rows, grownBytes } = JSON.parse(output) as { rows: number; grownBytes: number };
    expect(rows).toBe(6000);
    expect(grownBytes).toBeLessThan((kept + 32) * 2 ** 20);
  },
);
