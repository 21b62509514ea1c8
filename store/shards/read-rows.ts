/** Reads rows of one open shard: neighbours by one positioned read per column, all reads under way at once. */
import { read } from 'node:fs';
import { type Column, layOut, rowBytes, viewColumn } from './arrow-columns.ts';
import { FileEndError } from './arrow-reader.ts';
import type { ShardTable } from './check-shard.ts';
import type { Codec } from './codecs/codec.ts';

/** A wanted row of a shard, and where its gradient goes. */
export interface WantedRow {
  /** Row within the shard. */
  row: number;
  /** Sets all of it. */
  gradient: Float32Array;
}

/** Wanted rows that follow one another within one record batch. */
interface Run {
  batch: number;
  /** First row within the batch, and how many. */
  first: number;
  rows: number;
  wanted: WantedRow[];
  /** Where the columns lie in the buffer. */
  offsets: number[];
}

interface Piece {
  start: number;
  bytes: number;
  position: number;
}

/**
 * Reads and decodes rows. Memory: the stored bytes of the rows.
 * @param source descriptor of the shard, open for reading, or all its bytes
 * @param columns those of the codec
 * @param wanted ascending by row
 */
export async function readRows(
  source: number | Uint8Array,
  table: ShardTable,
  codec: Codec,
  columns: readonly Column[],
  wanted: readonly WantedRow[],
): Promise<void> {
  const runs = findRuns(wanted, table.batchRows);
  let total = 0;
  const pieces: Piece[] = [];
  for (const run of runs) {
    const { offsets, bytes } = layOut(columns, run.rows);
    run.offsets = offsets.map((offset) => total + offset);
    total += bytes;
    for (const [c, column] of columns.entries()) {
      const size = rowBytes(column);
      const columnStart = table.offsets[run.batch * columns.length + c]!;
      const position = columnStart + run.first * size;
      pieces.push({ start: run.offsets[c]!, bytes: run.rows * size, position });
    }
  }
  const buffer = new ArrayBuffer(total);
  const target = new Uint8Array(buffer);
  if (typeof source === 'number') await readPieces(source, target, pieces);
  else
    for (const { start, bytes, position } of pieces)
      target.set(source.subarray(position, position + bytes), start);
  for (const run of runs) decodeRun(run, codec, columns, buffer);
}

function findRuns(wanted: readonly WantedRow[], batchRows: number): Run[] {
  const runs: Run[] = [];
  for (const want of wanted) {
    const batch = Math.floor(want.row / batchRows);
    const row = want.row % batchRows;
    const run = runs.at(-1);
    if (run && run.batch === batch && row <= run.first + run.rows) {
      run.rows = row - run.first + 1;
      run.wanted.push(want);
    } else {
      runs.push({ batch, first: row, rows: 1, wanted: [want], offsets: [] });
    }
  }
  return runs;
}

function decodeRun(run: Run, codec: Codec, columns: readonly Column[], buffer: ArrayBuffer): void {
  const firstRow = run.wanted[0]!.row;
  for (const { row, gradient } of run.wanted) {
    const stored = columns.map((column, c) => {
      const offset = run.offsets[c]! + (row - firstRow) * rowBytes(column);
      return viewColumn(column, buffer, offset, 1);
    });
    codec.decode(stored, gradient);
  }
}

/**
 * Callbacks rather than promises: a small read from the page cache takes 3 µs this way, 20 µs through a FileHandle.
 * Settles when the last read has ended, also after an error, so that the file may be closed then.
 */
function readPieces(fd: number, buffer: Uint8Array, pieces: readonly Piece[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let pending = pieces.length;
    let failure: Error | null = null;
    for (const { start, bytes, position } of pieces) {
      read(fd, buffer, start, bytes, position, (error, bytesRead) => {
        failure ??= error;
        if (!error && bytesRead < bytes) failure ??= new FileEndError(position + bytesRead);
        if (--pending > 0) return;
        if (failure) reject(failure);
        else resolve();
      });
    }
  });
}
