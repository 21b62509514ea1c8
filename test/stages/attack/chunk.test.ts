/** How images are shared out. */
import { expect, it } from 'vitest';
import { chunkSize, chunksOf } from '../../../stages/attack/chunk.ts';

it('leaves no process without a chunk where there are images enough, and makes none larger than a batch', () => {
  expect(chunkSize(48, 2)).toBe(32);
  expect(chunkSize(500, 2)).toBe(128);
  expect(chunkSize(500, 8)).toBe(64);
  expect(chunkSize(500, 64)).toBe(16);
  expect(chunkSize(3, 2)).toBe(16);
});

it('puts every image into one chunk', () => {
  const chunks = chunksOf(48, chunkSize(48, 2));
  expect(chunks).toEqual([
    { number: 0, first: 0, count: 32 },
    { number: 1, first: 32, count: 16 },
  ]);
});
