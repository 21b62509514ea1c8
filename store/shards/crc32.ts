/**
 * CRC-32 as in zip and gzip (polynomial 0xEDB88320). Node has it from 20.15 and 22.2 on, at several GB/s; older
 * ones get the same number from the tables below, at some hundred MB/s.
 */
import * as zlib from 'node:zlib';

const SLICES = 8;

/** Eight tables of 256 entries: what a byte does to the remainder when so many further bytes follow it. */
function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: SLICES }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    tables[0]![byte] = value;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const shorter = tables[slice - 1]![byte]!;
      tables[slice]![byte] = (shorter >>> 8) ^ tables[0]![shorter & 0xff]!;
    }
  }
  return tables;
}

let cachedTables: Uint32Array[] | undefined;

/** CRC-32 in plain JavaScript, eight bytes at a time. */
export function portableCrc32(bytes: Uint8Array, start = 0): number {
  cachedTables ??= makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = cachedTables as [Uint32Array, ...Uint32Array[]];
  let crc = ~start;
  let at = 0;
  for (const end = bytes.length - (bytes.length % SLICES); at < end; at += SLICES) {
    crc =
      t7![(crc ^ bytes[at]!) & 0xff]! ^
      t6![((crc >>> 8) ^ bytes[at + 1]!) & 0xff]! ^
      t5![((crc >>> 16) ^ bytes[at + 2]!) & 0xff]! ^
      t4![(crc >>> 24) ^ bytes[at + 3]!]! ^
      t3![bytes[at + 4]!]! ^
      t2![bytes[at + 5]!]! ^
      t1![bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

/**
 * CRC-32 of bytes, from 0 to 2³² − 1.
 * @param start the CRC-32 of the bytes that come before them
 */
export const crc32: (bytes: Uint8Array, start?: number) => number =
  typeof zlib.crc32 === 'function'
    ? // Of no bytes zlib says 0 instead of `start`, where they lie nowhere.
      (bytes, start = 0) => (bytes.length === 0 ? start : zlib.crc32(bytes, start))
    : portableCrc32;
