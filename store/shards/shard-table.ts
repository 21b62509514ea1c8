/** What a reader knows of a shard that it has checked: where its rows are, their classes, and their scales. */
import type { FileHandle } from 'node:fs/promises';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { rowBytes } from './arrow-columns.ts';
import { type ArrowLayout, readFully } from './arrow-reader.ts';
import { INDEX_COLUMNS } from './store-layout.ts';

const TARGET_COLUMN = 1;

export interface ShardTable {
  /** Rows of every batch but the last. */
  batchRows: number;
  /** [batches, codec columns]: start of the values in bytes from the start of the file. */
  offsets: Float64Array;
  /** [rows]: the class of each row where the store lists them, else empty. */
  classes: Uint16Array;
  /** The codec's columns that are in memory, all rows one after another; undefined for those on disk. */
  kept: (Uint8Array | undefined)[];
}

/**
 * Reads the table of a checked shard.
 * @param room bytes that the columns after the gradient may take; they stay on disk where they take more. In memory
 *   they save a second read for each row.
 */
export async function readShardTable(
  info: GradientStoreInfo,
  layout: ArrowLayout,
  file: FileHandle,
  room: number,
): Promise<ShardTable> {
  const { batches, columns } = layout;
  const classes =
    info.targetClasses === 'listed'
      ? Uint16Array.from(new Int32Array((await readColumn(layout, file, TARGET_COLUMN)).buffer))
      : new Uint16Array(0);
  const kept: ShardTable['kept'] = [undefined];
  for (let c = INDEX_COLUMNS + 1; c < columns.length; c++) {
    const bytes = rowsOf(layout) * rowBytes(columns[c]!);
    kept.push(bytes <= room ? await readColumn(layout, file, c) : undefined);
  }
  return {
    batchRows: batches[0]!.rows,
    offsets: Float64Array.from(batches.flatMap(({ columnOffsets }) => columnOffsets.slice(INDEX_COLUMNS))),
    classes,
    kept,
  };
}

/** Bytes that a table holds of columns. */
export function keptBytes({ kept }: ShardTable): number {
  return kept.reduce((sum, column) => sum + (column?.length ?? 0), 0);
}

function rowsOf({ batches }: ArrowLayout): number {
  return batches.reduce((sum, { rows }) => sum + rows, 0);
}

/** A column's values in all batches. */
async function readColumn(layout: ArrowLayout, file: FileHandle, c: number): Promise<Uint8Array> {
  const size = rowBytes(layout.columns[c]!);
  const values = new Uint8Array(rowsOf(layout) * size);
  let row = 0;
  for (const { rows, columnOffsets } of layout.batches) {
    await readFully(file, values.subarray(row * size, (row + rows) * size), columnOffsets[c]!);
    row += rows;
  }
  return values;
}
