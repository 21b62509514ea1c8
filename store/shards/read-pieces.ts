/**
 * Positioned reads of many small pieces. From the page cache a read takes 2 µs when it is simply done, and 10 or more by
 * way of another thread; from the disk it takes so long that other threads should wait for it, several at a time. Nothing
 * tells beforehand which it will be, so those that took long make the difference.
 */
import { read, readSync } from 'node:fs';
import { FileEndError } from './arrow-reader.ts';

/** A part of a file that goes to `start` of a buffer. */
export interface Piece {
  start: number;
  bytes: number;
  position: number;
}

/** What a read from the page cache does not take, even of a piece that is not small. */
const PATIENCE_MS = 0.1;
const PATIENCE_MS_PER_BYTE = 1e-6;
/** A single slow one may have waited for its turn on the processor. */
export const SLOW_READS = 2;

/**
 * Reads the pieces of all parts. Settles when the last read has ended, also after an error, so that the file may be
 * closed then.
 * @param finish called with the number of a part once all its pieces are there
 * @param patience multiple of the time that a read from the page cache may take; 0 leaves all to other threads
 */
export async function readPieces(
  fd: number,
  buffer: Uint8Array,
  parts: readonly (readonly Piece[])[],
  finish: (part: number) => void,
  patience = 1,
): Promise<void> {
  let part = 0;
  for (let slow = patience > 0 ? 0 : SLOW_READS; slow < SLOW_READS && part < parts.length; part++) {
    for (const piece of parts[part]!) slow = readNow(fd, buffer, piece) > patience ? slow + 1 : 0;
    finish(part);
  }
  if (part < parts.length) await readElsewhere(fd, buffer, parts, part, finish);
}

/** Reads a piece, and returns the time that it took, as a multiple of what is to be expected from the page cache. */
export function readNow(fd: number, buffer: Uint8Array, { start, bytes, position }: Piece): number {
  const startMs = performance.now();
  requireWhole(readSync(fd, buffer, start, bytes, position), bytes, position);
  return (performance.now() - startMs) / (PATIENCE_MS + bytes * PATIENCE_MS_PER_BYTE);
}

function requireWhole(found: number, bytes: number, position: number): void {
  if (found < bytes) throw new FileEndError(position + found);
}

/** All reads under way at once. With callbacks, as a promise for each would take longer than the read. */
function readElsewhere(
  fd: number,
  buffer: Uint8Array,
  parts: readonly (readonly Piece[])[],
  first: number,
  finish: (part: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let pending = 0;
    let failure: unknown = null;
    for (let part = first; part < parts.length; part++) {
      let left = parts[part]!.length;
      pending += left;
      for (const { start, bytes, position } of parts[part]!) {
        read(fd, buffer, start, bytes, position, (error, found) => {
          try {
            if (error) throw error;
            requireWhole(found, bytes, position);
            if (--left === 0) finish(part);
          } catch (caught) {
            failure ??= caught;
          }
          if (--pending > 0) return;
          if (failure === null) resolve();
          else reject(failure);
        });
      }
    }
  });
}
