import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { HashInThread } from '../../store/hash-thread.ts';

const MODULE = fileURLToPath(new URL('../../store/hash-thread.ts', import.meta.url));

/** 100 pieces of different lengths, in shared memory and not. */
const PIECES = Array.from({ length: 100 }, (_, i) => {
  const buffer = i % 2 === 0 ? new ArrayBuffer(i * 37) : new SharedArrayBuffer(i * 37);
  return new Uint8Array(buffer).map((_, at) => at * i).fill(i, 0, 3);
});

test('several hashes that are taken by turns are those of the whole', async () => {
  const hashes = [new HashInThread(), new HashInThread(), new HashInThread()];
  const updates = PIECES.map((piece, i) => hashes[i % 3]!.update(piece));
  const found = await Promise.all(hashes.map((hash) => hash.digest()));
  await Promise.all(updates);
  const expected = hashes.map((_, k) => {
    const hash = createHash('sha256');
    for (const [i, piece] of PIECES.entries()) if (i % 3 === k) hash.update(Buffer.from(piece));
    return hash.digest('hex');
  });
  expect(found).toEqual(expected);
});

test('shared memory may be changed once it was taken in', async () => {
  const hash = new HashInThread();
  const bytes = new Uint8Array(new SharedArrayBuffer(4));
  for (const value of [1, 2, 3]) await hash.update(bytes.fill(value));
  expect(await hash.digest()).toBe(
    createHash('sha256')
      .update(Uint8Array.of(1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3))
      .digest('hex'),
  );
});

test('the thread lets the process wait for an answer, and end without one being asked for', () => {
  const program = `
    import { HashInThread } from ${JSON.stringify(MODULE)};
    const hash = new HashInThread();
    await hash.update(new Uint8Array(0));
    console.log(await hash.digest());
  `;
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  expect(output.trim()).toBe(createHash('sha256').digest('hex'));
});
