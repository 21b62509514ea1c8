/**
 * Checksums of bytes, of files and of JSON values. Artifacts are named after them, so that the same work is
 * found again and a changed file is noticed.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Json } from '../schemas/stage.ts';

const READ_BYTES = 1 << 20;
const KEY_DIGITS = 16;

/** Hexadecimal SHA-256 of bytes, or of a text in UTF-8. */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Hexadecimal SHA-256 of a file. */
export async function sha256File(path: string): Promise<string> {
  return hashFile(path, 'sha256');
}

/** Hexadecimal checksum of a file, read through one buffer of 1 MiB whatever the file's size. */
export async function hashFile(path: string, algorithm: 'md5' | 'sha1' | 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const file = await open(path, 'r');
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/**
 * One text for each JSON value: object keys sorted by code unit, no spaces. Keys whose value is `undefined` are
 * left out, as in JSON.stringify. Throws on numbers that JSON cannot hold, which would all become `null`.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`Expected a number that JSON can hold, got ${value}.`);
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`).join(',')}}`;
}

/** Key of an artifact: the first 16 hexadecimal digits of the SHA-256 of the canonical JSON. */
export function keyOf(value: Json): string {
  return sha256(canonicalJson(value)).slice(0, KEY_DIGITS);
}
