import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canonicalJson, keyOf, sha256, sha256File } from '../../store/content-hash.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

test('a checksum is the published one of the empty text and of abc', () => {
  expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256(new TextEncoder().encode('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

test('a file of several buffers has the checksum that sha256sum gives', async () => {
  const path = join(await temporaryFolder(), 'large.bin');
  await writeFile(
    path,
    new Uint8Array(2_500_001).map((_, i) => (i * 7919) >> 3),
  );
  expect(await sha256File(path)).toBe(execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64));
});

test('canonical JSON sorts keys at every depth and has no spaces', () => {
  const value = { b: [1, { z: null, a: 'é"' }], a: { y: true, x: -0.5 } };
  expect(canonicalJson(value)).toBe('{"a":{"x":-0.5,"y":true},"b":[1,{"a":"é\\"","z":null}]}');
});

test('canonical JSON leaves out what is undefined, as an absent key would', () => {
  expect(canonicalJson({ a: 1, b: undefined } as never)).toBe('{"a":1}');
});

test('canonical JSON refuses numbers that would all become null', () => {
  expect(() => canonicalJson([Number.NaN])).toThrow(
    new TypeError('Expected a number that JSON can hold, got NaN.'),
  );
});

test('a key depends on the values and not on the order of the keys', () => {
  expect(keyOf({ a: 1, b: 2 })).toBe(keyOf({ b: 2, a: 1 }));
  expect(keyOf({ a: 1, b: 2 })).not.toBe(keyOf({ a: 2, b: 1 }));
  expect(keyOf({ a: 1, b: 2 })).toBe('43258cff783fe703');
});
