/**
 * Reads a store in its order, record batch by record batch: by plain system calls as long as they come from the page cache, then
 * each by another thread while the one before it is in use.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { GradientStoreInfo, ShardRecord } from '../../schemas/gradient-store.ts';
import { align, layOut, viewColumn } from './arrow-columns.ts';
import { openShard, requireChecksum, requireRecord, translateDamage } from './check-shard.ts';
import type { Decoder } from './codecs/codec.ts';
import { crc32 } from './crc32.ts';
import { prefetch } from './prefetch.ts';
import { readNow, readPieces, SLOW_READS } from './read-pieces.ts';
import type { RowFormat } from './read-rows.ts';
import { INDEX_COLUMNS, shardColumns, shardName } from './store-layout.ts';

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

/** A decoder with room for so many stored bytes and decoded rows. */
export type OpenDecoder = (storedBytes: number, rows: number) => Promise<Decoder>;

/**
 * The batches of one shard. Memory: two batches of about half a megabyte as stored, and one decoded.
 * @param isChecked headers and CRC-32s of the shard are known to be right; else they are checked as they come
 */
export async function* readBatches(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
  format: RowFormat,
  isChecked: boolean,
  openDecoder: OpenDecoder,
): AsyncGenerator<GradientBatch, void> {
  const path = join(directory, shardName(shard));
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const record = isChecked
      ? await requireRecord(directory, info, shard, file)
      : (await openShard(directory, info, shard, file)).record;
    const { batches } = record;
    const bodyBytes = align(Math.max(...batches.map(({ bytes }) => bytes)));
    const decoder = await openDecoder(2 * bodyBytes, format.isPlain ? 0 : batches[0]!.rows);
    const bodies = [0, bodyBytes].map((start) => decoder.stored.subarray(start));
    let first = shard * info.shardImages;
    const use = (index: number, body: Uint8Array) => {
      const { rows } = batches[index]!;
      const batch = decodeBatch(info, format, decoder, body, rows, first);
      first += rows / info.targets;
      return batch;
    };
    const check = (index: number, body: Uint8Array) => {
      if (!isChecked) requireChecksum(record, index, crc32(body));
    };
    let index = 0;
    for (let slow = 0; slow < SLOW_READS && index < batches.length; index++) {
      const { offset, bytes } = batches[index]!;
      const body = bodies[0]!.subarray(0, bytes);
      slow = readNow(file.fd, body, { start: 0, bytes, position: offset }) > 1 ? slow + 1 : 0;
      check(index, body);
      yield use(index, body);
    }
    for await (const next of readAhead(record, file, bodies, check, index))
      yield use(next, bodies[next % 2]!);
  } catch (error) {
    throw translateDamage(error, directory, shardName(shard));
  } finally {
    await file?.close();
  }
}

/** Numbers of the batches from one on, each once it is read by another thread into one buffer, while the other is in use. */
function readAhead(
  { batches }: ShardRecord,
  file: FileHandle,
  bodies: readonly Uint8Array[],
  check: (index: number, body: Uint8Array) => void,
  from: number,
): AsyncIterable<number> {
  const readBody = async (index: number) => {
    const { offset, bytes } = batches[index]!;
    const body = bodies[index % 2]!.subarray(0, bytes);
    await readPieces(file.fd, body, [[{ start: 0, bytes, position: offset }]], () => undefined, 0);
    check(index, body);
    return index;
  };
  return prefetch(batches.length, readBody, 1, from);
}

function decodeBatch(
  info: GradientStoreInfo,
  { columns, length, isPlain }: RowFormat,
  decoder: Decoder,
  body: Uint8Array,
  rows: number,
  first: number,
): GradientBatch {
  const all = shardColumns(info);
  const { offsets } = layOut(all, rows);
  const view = (c: number) => viewColumn(all[c]!, body.buffer, body.byteOffset + offsets[c]!, rows);
  const start = body.byteOffset - decoder.stored.byteOffset;
  const places = columns.map((_, c) => start + offsets[INDEX_COLUMNS + c]!);
  if (!isPlain) for (let row = 0; row < rows; row++) decoder.decode(places, row, row);
  return {
    first,
    images: rows / info.targets,
    gradients: isPlain ? (view(INDEX_COLUMNS) as Float32Array) : decoder.decoded.subarray(0, rows * length),
    classes: new Uint16Array(view(1)),
  };
}
