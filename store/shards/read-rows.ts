/** Reads rows of one open shard: neighbours by one positioned read per column. */
import { type Column, layOut } from './arrow-columns.ts';
import type { Decoder } from './codecs/codec.ts';
import { type Piece, readPieces } from './read-pieces.ts';
import type { ShardTable } from './shard-table.ts';

/** A wanted row of a shard, and where the values of its gradient go in the output. */
export interface WantedRow {
  /** Row within the shard. */
  row: number;
  to: number;
}

/** What is the same for all rows of a store. */
export interface RowFormat {
  /** Those of the codec. */
  columns: readonly Column[];
  /** Bytes of one row of each. */
  sizes: readonly number[];
  /** Values of a gradient. */
  length: number;
  /** Whether the codec keeps gradients as they are, so that they can be read to where they go. */
  isPlain: boolean;
}

/** Wanted rows that follow one another within one record batch. */
interface Run {
  batch: number;
  /** First row within the shard, and how many. */
  first: number;
  rows: number;
  /** Rows of the runs before. */
  before: number;
  wanted: WantedRow[];
}

/** Bytes of the decoder that {@link readRows} needs for so many rows, at most. */
export function storedBytes(columns: readonly Column[], rows: number): number {
  return rows * layOut(columns, 1).bytes;
}

/**
 * Reads rows and decodes each as soon as it is there.
 * @param fd descriptor of the shard, open for reading
 * @param wanted ascending by row
 * @param decoder has room for the rows as they are stored from byte `start` on, a multiple of 64, and for one decoded row
 */
export function readRows(
  fd: number,
  table: ShardTable,
  format: RowFormat,
  wanted: readonly WantedRow[],
  out: Float32Array,
  decoder: Decoder,
  start: number,
): Promise<void> {
  const runs = findRuns(wanted, table.batchRows, format);
  if (format.isPlain) return readInPlace(fd, table, format, runs, out);
  const places = layOut(format.columns, wanted.length).offsets.map((offset) => start + offset);
  const pieces = runs.map((run) => piecesOf(run, table, format.sizes, places, decoder.stored));
  return readPieces(fd, decoder.stored, pieces, (index) => {
    const { first, before, wanted } = runs[index]!;
    for (const { row, to } of wanted) {
      decoder.decode(places, before + row - first, 0);
      out.set(decoder.decoded, to);
    }
  });
}

/** Every run goes to one place. */
function readInPlace(
  fd: number,
  { batchRows, offsets }: ShardTable,
  { sizes, length }: RowFormat,
  runs: readonly Run[],
  out: Float32Array,
): Promise<void> {
  const size = sizes[0]!;
  const buffer = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  const pieces = runs.map(({ batch, first, rows, wanted }) => [
    {
      start: wanted[0]!.to * Float32Array.BYTES_PER_ELEMENT,
      bytes: rows * length * Float32Array.BYTES_PER_ELEMENT,
      position: offsets[batch]! + (first - batch * batchRows) * size,
    },
  ]);
  return readPieces(fd, buffer, pieces, () => undefined);
}

function findRuns(wanted: readonly WantedRow[], batchRows: number, { isPlain, length }: RowFormat): Run[] {
  const runs: Run[] = [];
  for (const want of wanted) {
    const batch = Math.floor(want.row / batchRows);
    const run = runs.at(-1);
    const continues = run !== undefined && run.batch === batch && want.row <= run.first + run.rows;
    if (continues && (!isPlain || isNext(run, want, length))) {
      run.rows = want.row - run.first + 1;
      run.wanted.push(want);
    } else {
      const before = run === undefined ? 0 : run.before + run.rows;
      runs.push({ batch, first: want.row, rows: 1, before, wanted: [want] });
    }
  }
  return runs;
}

/** Whether a row follows a run in the file and in the output alike. */
function isNext({ first, rows, wanted }: Run, { row, to }: WantedRow, length: number): boolean {
  return row === first + rows && to === wanted[0]!.to + rows * length;
}

/**
 * What must be read for a run; columns that are kept in memory are copied from there.
 * @param places where the first row of each column goes
 */
function piecesOf(
  { batch, first, rows, before }: Run,
  { batchRows, offsets, kept }: ShardTable,
  sizes: readonly number[],
  places: readonly number[],
  buffer: Uint8Array,
): Piece[] {
  const pieces: Piece[] = [];
  for (let c = 0; c < sizes.length; c++) {
    const size = sizes[c]!;
    const start = places[c]! + before * size;
    const inMemory = kept[c];
    if (inMemory !== undefined) {
      buffer.set(inMemory.subarray(first * size, (first + rows) * size), start);
    } else {
      const position = offsets[batch * sizes.length + c]! + (first - batch * batchRows) * size;
      pieces.push({ start, bytes: rows * size, position });
    }
  }
  return pieces;
}
