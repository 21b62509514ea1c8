import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileEndError } from '../../../store/shards/arrow-reader.ts';
import { readPieces } from '../../../store/shards/read-pieces.ts';
import { uniform } from './sample-stores.ts';
import { temporaryFolder } from './temporary-stores.ts';

const CONTENT = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7919) >> 5);
/** Reads by itself, leaves everything to other threads, or loses its patience after the first two. */
const PATIENCE = [1e9, 0, 1e-9];

async function openContent() {
  const path = join(await temporaryFolder(), 'content');
  await writeFile(path, CONTENT);
  return open(path, 'r');
}

test.each(PATIENCE)('pieces come to their places, with patience %d', async (patience) => {
  const next = uniform(5);
  const parts = Array.from({ length: 50 }, (_, part) =>
    [0, 1].map((k) => ({ start: part * 40 + k * 20, bytes: 11 + k, position: Math.floor(next() * 9000) })),
  );
  const expected = new Uint8Array(2000);
  for (const { start, bytes, position } of parts.flat())
    expected.set(CONTENT.subarray(position, position + bytes), start);
  const file = await openContent();
  const buffer = new Uint8Array(2000);
  const finished = new Set<number>();
  const finish = (part: number) => {
    const slice = [part * 40, part * 40 + 40] as const;
    expect(buffer.subarray(...slice)).toEqual(expected.subarray(...slice));
    finished.add(part);
  };
  await readPieces(file.fd, buffer, parts, finish, patience);
  await file.close();
  expect(finished.size).toBe(50);
});

test.each(PATIENCE)('the end of the file is an error, with patience %d', async (patience) => {
  const file = await openContent();
  const parts = [0, 100, 200, 9_995].map((position) => [{ start: 0, bytes: 10, position }]);
  const finished: number[] = [];
  await expect(
    readPieces(file.fd, new Uint8Array(10), parts, (part) => finished.push(part), patience),
  ).rejects.toThrow(new FileEndError(10_000));
  expect(finished.sort()).toEqual([0, 1, 2]);
  await file.close();
});

test.each(PATIENCE)('an error of what is done with a piece surfaces, with patience %d', async (patience) => {
  const file = await openContent();
  const parts = [0, 100, 200, 300].map((position) => [{ start: 0, bytes: 10, position }]);
  const refuse = (part: number) => {
    if (part === 2) throw new Error('not this one');
  };
  await expect(readPieces(file.fd, new Uint8Array(10), parts, refuse, patience)).rejects.toThrow(
    new Error('not this one'),
  );
  await file.close();
});
