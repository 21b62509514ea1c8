/** Finds out whether a shard is what was written: thoroughly by its SHA-256, or in passing by its CRC-32s. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { GradientStoreInfo, ShardRecord } from '../../schemas/gradient-store.ts';
import { sha256File } from '../content-hash.ts';
import { describeColumns } from './arrow-columns.ts';
import { type ArrowLayout, FileEndError, readArrowLayout, readFully } from './arrow-reader.ts';
import { crc32 } from './crc32.ts';
import { INDEX_COLUMNS, readShardRecord, recordName, shardColumns, shardName } from './store-layout.ts';

const READ_BYTES = 1 << 20;

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
  /** [rows]: the class of each row where the store lists them, else empty. */
  classes: Uint16Array;
}

/**
 * Compares a shard with its record in every way there is: what a reader would refuse must not count as finished.
 * Null where it is sound.
 */
export async function findDamage(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
): Promise<Damage | null> {
  const path = join(directory, shardName(shard));
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    await checkShard(directory, info, shard, file, Buffer.allocUnsafe(READ_BYTES));
    const record = await readShardRecord(directory, info, shard);
    if ((await sha256File(path)) === record?.sha256) return null;
    return { file: shardName(shard), found: 'it has another SHA-256 than when it was written' };
  } catch (error) {
    const damage = toDamage(error, shardName(shard));
    if (damage === null) throw error;
    return damage;
  } finally {
    await file?.close();
  }
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
  if (!record) {
    throw new DamageError({ file: recordName(shard), found: 'it is missing or does not describe its shard' });
  }
  const { size } = await file.stat();
  if (size !== record.bytes) {
    throw new DamageError({ file: record.name, found: `it has ${size} bytes instead of ${record.bytes}` });
  }
  const layout = await readLayout(record, file);
  const offsets = locateRows(info, record, layout);
  await checkBodies(record, file, buffer);
  const classes = info.targetClasses === 'listed' ? await readClasses(layout, file) : new Uint16Array(0);
  return { batchRows: record.batches[0]!.rows, offsets, classes };
}

/** The column `target`, [rows]. */
async function readClasses({ batches }: ArrowLayout, file: FileHandle): Promise<Uint16Array> {
  const classes = new Uint16Array(batches.reduce((sum, batch) => sum + batch.rows, 0));
  let row = 0;
  for (const { rows, columnOffsets } of batches) {
    const target = new Int32Array(rows);
    await readFully(file, new Uint8Array(target.buffer), columnOffsets[1]!);
    classes.set(target, row);
    row += rows;
  }
  return classes;
}

async function checkBodies(record: ShardRecord, file: FileHandle, buffer: Uint8Array): Promise<void> {
  for (const [index, { offset, bytes, crc32: expected }] of record.batches.entries()) {
    let crc = 0;
    for (let done = 0; done < bytes; done += buffer.length) {
      const chunk = buffer.subarray(0, Math.min(buffer.length, bytes - done));
      await readFully(file, chunk, offset + done);
      crc = crc32(chunk, crc);
    }
    if (crc === expected) continue;
    const found = `record batch ${index} of ${record.batches.length} has another CRC-32 than when it was written`;
    throw new DamageError({ file: record.name, found });
  }
}

async function readLayout(record: ShardRecord, file: FileHandle): Promise<ArrowLayout> {
  try {
    return await readArrowLayout(file, record.bytes);
  } catch (error) {
    throw new DamageError({ file: record.name, found: (error as Error).message });
  }
}

/** Offsets of a shard whose columns are those of the store and whose batches are those of its record. */
function locateRows(info: GradientStoreInfo, record: ShardRecord, layout: ArrowLayout): Float64Array {
  const [expected, found] = [describeColumns(shardColumns(info)), describeColumns(layout.columns)];
  if (expected !== found) {
    throw new DamageError({ file: record.name, found: `its columns are ${found} instead of ${expected}` });
  }
  const places = (batches: { rows: number; offset: number; bytes: number }[]) =>
    JSON.stringify(batches.map(({ rows, offset, bytes }) => [rows, offset, bytes]));
  if (places(layout.batches) !== places(record.batches)) {
    throw new DamageError({
      file: record.name,
      found: 'its record batches are not those it was written with',
    });
  }
  return Float64Array.from(layout.batches.flatMap((batch) => batch.columnOffsets.slice(INDEX_COLUMNS)));
}
