import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { crc32, portableCrc32 } from '../../../store/shards/crc32.ts';
import { uniform } from './sample-stores.ts';

const IMPLEMENTATIONS = { crc32, portableCrc32 };

test.each(Object.entries(IMPLEMENTATIONS))('%s gives the check value of the standard', (_, checksum) => {
  expect(checksum(Buffer.from('123456789'))).toBe(0xcbf43926);
  expect(checksum(new Uint8Array(0))).toBe(0);
  expect(checksum(new Uint8Array(new ArrayBuffer(0)), 7)).toBe(7);
});

test.each(Object.entries(IMPLEMENTATIONS))('%s agrees with gzip on 100,003 random bytes', (_, checksum) => {
  const next = uniform(3);
  const bytes = Uint8Array.from({ length: 100_003 }, () => next() * 256);
  const zipped = execFileSync('gzip', ['-c'], { input: bytes });
  expect(checksum(bytes)).toBe(zipped.readUInt32LE(zipped.length - 8));
});

test.each(Object.entries(IMPLEMENTATIONS))('%s can be taken up at any byte', (_, checksum) => {
  const bytes = Uint8Array.from({ length: 50 }, (_, i) => i * 7);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const parts = checksum(bytes.subarray(cut), checksum(bytes.subarray(0, cut)));
    expect(parts).toBe(checksum(bytes));
  }
});
