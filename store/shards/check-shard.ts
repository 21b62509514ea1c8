/** Finds out whether a shard is what was written: thoroughly by its SHA-256, or in passing by its CRC-32s. */
import { type FileHandle, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { GradientStoreInfo, ShardRecord } from '../../schemas/gradient-store.ts';
import { sha256File } from '../content-hash.ts';
import { describeColumns } from './arrow-columns.ts';
import { type ArrowLayout, FileEndError, readArrowLayout, readFully } from './arrow-reader.ts';
import { crc32 } from './crc32.ts';
import { INDEX_COLUMNS, readShardRecord, recordName, shardColumns, shardName } from './store-layout.ts';

/** What is wrong with which file; `found` completes "found that …". */
export interface Damage {
  file: string;
  found: string;
}

/** A damage, thrown. */
export class DamageError extends Error {
  readonly damage: Damage;

  constructor(damage: Damage) {
    super(`${damage.file}: ${damage.found}`);
    this.damage = damage;
  }
}

/** What an error says about the shard that was being read; null where it says something else. */
export function toDamage(error: unknown, name: string): Damage | null {
  if (error instanceof DamageError) return error.damage;
  if (error instanceof FileEndError) return { file: name, found: error.message };
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file: name, found: 'it is missing' };
  return null;
}

/** Where the codec's columns lie in a shard. */
export interface ShardTable {
  /** Rows of every batch but the last. */
  batchRows: number;
  /** [batches, codec columns]: start of the values in bytes from the start of the file. */
  offsets: Float64Array;
}

/** Compares a shard with its record by size and SHA-256. Null where it is sound. */
export async function findDamage(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
): Promise<Damage | null> {
  const [name, path] = [shardName(shard), join(directory, shardName(shard))];
  const record = await readShardRecord(directory, info, shard);
  if (!record) return missingRecord(shard);
  const file = await stat(path).catch(() => null);
  if (!file?.isFile()) return { file: name, found: 'it is missing' };
  if (file.size !== record.bytes) return wrongSize(record, file.size);
  const isSound = (await sha256File(path)) === record.sha256;
  return isSound ? null : { file: name, found: 'it has another SHA-256 than when it was written' };
}

function missingRecord(shard: number): Damage {
  return { file: recordName(shard), found: 'it is missing or does not describe its shard' };
}

function wrongSize(record: ShardRecord, bytes: number): Damage {
  return { file: record.name, found: `it has ${bytes} bytes instead of ${record.bytes}` };
}

/**
 * Checks every byte of an open shard against its record by CRC-32, and returns where its rows are. Throws
 * {@link DamageError}.
 * @param buffer through which the file is read; memory does not grow with the shard
 */
export async function checkShard(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
  file: FileHandle,
  buffer: Uint8Array,
): Promise<ShardTable> {
  const record = await readShardRecord(directory, info, shard);
  if (!record) throw new DamageError(missingRecord(shard));
  const { size } = await file.stat();
  if (size !== record.bytes) throw new DamageError(wrongSize(record, size));
  await checkBytes(record, file, buffer);
  return makeTable(info, record, await readLayout(record, file));
}

async function checkBytes(record: ShardRecord, file: FileHandle, buffer: Uint8Array): Promise<void> {
  let position = 0;
  let frame = 0;
  for (const [index, batch] of record.batches.entries()) {
    frame = await crc32Between(file, position, batch.offset, buffer, frame);
    position = batch.offset + batch.bytes;
    if ((await crc32Between(file, batch.offset, position, buffer, 0)) !== batch.crc32) {
      const found = `record batch ${index} of ${record.batches.length} has another CRC-32 than when it was written`;
      throw new DamageError({ file: record.name, found });
    }
  }
  if ((await crc32Between(file, position, record.bytes, buffer, frame)) !== record.frameCrc32) {
    const found = 'its headers have another CRC-32 than when they were written';
    throw new DamageError({ file: record.name, found });
  }
}

/** CRC-32 of the bytes from `start` up to `end`, taken up from that of earlier bytes. */
async function crc32Between(
  file: FileHandle,
  start: number,
  end: number,
  buffer: Uint8Array,
  earlier: number,
): Promise<number> {
  let crc = earlier;
  for (let position = start; position < end; position += buffer.length) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, end - position));
    await readFully(file, chunk, position);
    crc = crc32(chunk, crc);
  }
  return crc;
}

async function readLayout(record: ShardRecord, file: FileHandle): Promise<ArrowLayout> {
  try {
    return await readArrowLayout(file, record.bytes);
  } catch (error) {
    throw new DamageError({ file: record.name, found: (error as Error).message });
  }
}

/** The record's checksums hold, so this fails only where shard and record were made for another store. */
function makeTable(info: GradientStoreInfo, record: ShardRecord, layout: ArrowLayout): ShardTable {
  const [expected, found] = [describeColumns(shardColumns(info)), describeColumns(layout.columns)];
  if (expected !== found) {
    throw new DamageError({ file: record.name, found: `its columns are ${found} instead of ${expected}` });
  }
  const batchRows = layout.batches[0]?.rows ?? 0;
  const rows = layout.batches.reduce((sum, batch) => sum + batch.rows, 0);
  const isRegular = layout.batches.every(
    (batch, i) => batch.rows === batchRows || i === layout.batches.length - 1,
  );
  if (rows !== record.rows || !isRegular) {
    throw new DamageError({ file: record.name, found: `its record batches do not have ${record.rows} rows` });
  }
  const offsets = layout.batches.flatMap((batch) => batch.columnOffsets.slice(INDEX_COLUMNS));
  return { batchRows, offsets: Float64Array.from(offsets) };
}
