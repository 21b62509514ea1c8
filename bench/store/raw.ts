/** The physical limits: plain system calls on the same bytes, one after another, without promises. */
import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

const CHUNK_BYTES = 1 << 20;

/** Reads a file in order into one buffer that is used again. */
export function readWhole(path: string, buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)): void {
  const file = openSync(path, 'r');
  for (let at = 0; ; ) {
    const bytes = readSync(file, buffer, 0, buffer.length, at);
    if (bytes === 0) break;
    at += bytes;
  }
  closeSync(file);
}

/** Writes a file in order and flushes it. */
export function writeWhole(path: string, content: Uint8Array): void {
  const file = openSync(path, 'w');
  for (let at = 0; at < content.length; ) {
    at += writeSync(file, content, at, Math.min(CHUNK_BYTES, content.length - at), at);
  }
  fsyncSync(file);
  closeSync(file);
}

/** Reads pieces of one size, each to its place in a buffer that is used again. */
export function readPieces(path: string, positions: readonly number[], bytes: number, buffer: Buffer): void {
  const file = openSync(path, 'r');
  const places = Math.floor(buffer.length / bytes);
  for (const [i, position] of positions.entries()) {
    readSync(file, buffer, (i % places) * bytes, bytes, position);
  }
  closeSync(file);
}
