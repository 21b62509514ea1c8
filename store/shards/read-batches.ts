/** Reads a store in its order, record batch by record batch, each while the one before it is in use. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { layOut, viewColumn } from './arrow-columns.ts';
import { readFully } from './arrow-reader.ts';
import { type OpenShard, openShard, requireChecksum, translateDamage } from './check-shard.ts';
import { crc32 } from './crc32.ts';
import { prefetch } from './prefetch.ts';
import type { RowFormat } from './read-rows.ts';
import { INDEX_COLUMNS, shardName } from './store-layout.ts';

/** Whole images one after another. */
export interface GradientBatch {
  /** Number of the first one, and how many. */
  first: number;
  images: number;
  /** [images, targets, ...shape]; overwritten when the next batch is asked for. */
  gradients: Float32Array;
  /** [images, targets]: towards which class each is. */
  classes: Uint16Array;
}

/**
 * The batches of one shard. Memory: two batches of about 2 MB as stored, and one decoded.
 * @param isChecked the shard's CRC-32s are known to be right; else each batch's is checked as it comes
 */
export async function* readBatches(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
  format: RowFormat,
  isChecked: boolean,
): AsyncGenerator<GradientBatch, void> {
  const path = join(directory, shardName(shard));
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const opened = await openShard(directory, info, shard, file);
    const bodies = readBodies(opened, file, isChecked);
    let first = shard * info.shardImages;
    const decoder = makeDecoder(info, format, opened);
    for await (const { body, rows } of bodies) {
      const batch = decoder(body, rows, first);
      first += batch.images;
      yield batch;
    }
  } catch (error) {
    throw translateDamage(error, directory, shardName(shard));
  } finally {
    await file?.close();
  }
}

/** Two buffers take turns: one is read into while the other is in use. */
function readBodies({ record }: OpenShard, file: FileHandle, isChecked: boolean) {
  const { batches } = record;
  const largest = Math.max(...batches.map(({ bytes }) => bytes));
  const buffers = [new ArrayBuffer(largest), new ArrayBuffer(largest)];
  const readBody = async (index: number) => {
    const body = buffers[index % 2]!;
    const { rows, offset, bytes } = batches[index]!;
    const content = new Uint8Array(body, 0, bytes);
    await readFully(file, content, offset);
    if (!isChecked) requireChecksum(record, index, crc32(content));
    return { body, rows };
  };
  return prefetch(batches.length, readBody, 1);
}

function makeDecoder(info: GradientStoreInfo, format: RowFormat, { layout }: OpenShard) {
  const { codec, length, isPlain } = format;
  const decoded = new Float32Array(isPlain ? 0 : layout.batches[0]!.rows * length);
  return (body: ArrayBuffer, rows: number, first: number): GradientBatch => {
    const { offsets } = layOut(layout.columns, rows);
    const views = layout.columns.map((column, c) => viewColumn(column, body, offsets[c]!, rows));
    const stored = views.slice(INDEX_COLUMNS);
    if (!isPlain) for (let row = 0; row < rows; row++) codec.decode(stored, row, decoded, row * length);
    const gradients = isPlain ? (stored[0] as Float32Array) : decoded.subarray(0, rows * length);
    return { first, images: rows / info.targets, gradients, classes: Uint16Array.from(views[1]!) };
  };
}
