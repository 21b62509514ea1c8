/** Finds out whether a shard is what was written: thoroughly by its SHA-256, or in passing by its CRC-32s. */
import { type FileHandle, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo, ShardRecord } from '../../schemas/gradient-store.ts';
import { sha256File } from '../content-hash.ts';
import { translateReadError, whyUnreadable } from '../read-error.ts';
import { describeColumns } from './arrow-columns.ts';
import { type ArrowLayout, FileEndError, readArrowLayout, readFully } from './arrow-reader.ts';
import { crc32 } from './crc32.ts';
import { readShardRecord, recordName, shardColumns, shardName } from './store-layout.ts';

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

/** What an error says about the file that was being read, or about that of its path; null where it says something else. */
export function toDamage(error: unknown, name: string): Damage | null {
  if (error instanceof DamageError) return error.damage;
  if (error instanceof FileEndError) return { file: name, found: error.message };
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file: name, found: 'it is missing' };
  const cause = error instanceof PipelineError && error.code === 'NOT_READABLE' ? error.cause : error;
  const found = whyUnreadable(cause);
  const { path } = cause as NodeJS.ErrnoException;
  return found === null ? null : { file: path === undefined ? name : basename(path), found };
}

/**
 * A damage that {@link toDamage} recognises, for the user; any other error is returned as it is. What may not be read is
 * `NOT_READABLE`: permissions and disks are the user's to mend.
 */
export function translateDamage(error: unknown, directory: string, name: string): unknown {
  if (whyUnreadable(error) !== null) return translateReadError(error, join(directory, name));
  if (error instanceof PipelineError && error.code === 'NOT_READABLE') return error;
  const damage = toDamage(error, name);
  if (damage === null) return error;
  const { file, found } = damage;
  const message = `Expected ${file} of the gradient store ${directory} to be as it was written, found that ${found}. The next \`pipeline run\` computes only this shard again.`;
  const place = { artifact: directory, files: [file] };
  return new PipelineError('ARTIFACT_DAMAGED', message, { place, cause: error });
}

/** A shard whose file and record agree in all but the bodies of its batches. */
export interface OpenShard {
  record: ShardRecord;
  layout: ArrowLayout;
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
    const opened = await openShard(directory, info, shard, file);
    await checkBodies(opened, file, Buffer.allocUnsafe(READ_BYTES));
    if ((await sha256File(path)) === opened.record.sha256) return null;
    return { file: shardName(shard), found: 'it has another SHA-256 than when it was written' };
  } catch (error) {
    const damage = toDamage(error, shardName(shard));
    if (damage === null) throw error;
    return damage;
  } finally {
    await file?.close();
  }
}

/** Reads what an open shard says about itself and compares it with its record. Throws {@link DamageError}. */
export async function openShard(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
  file: FileHandle,
): Promise<OpenShard> {
  const record = await requireRecord(directory, info, shard, file);
  const layout = await readLayout(record, file);
  requireSame(info, record, layout);
  return { record, layout };
}

/** Reads the record of an open shard, which must have the length that it says. Throws {@link DamageError}. */
export async function requireRecord(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
  file: FileHandle,
): Promise<ShardRecord> {
  const record = await readShardRecord(directory, info, shard);
  if (!record) {
    throw new DamageError({ file: recordName(shard), found: 'it is missing or does not describe its shard' });
  }
  const { size } = await file.stat();
  if (size !== record.bytes) {
    throw new DamageError({ file: record.name, found: `it has ${size} bytes instead of ${record.bytes}` });
  }
  return record;
}

/**
 * Checks the bodies of a shard's batches by their CRC-32. Throws {@link DamageError}.
 * @param buffer through which the file is read; memory does not grow with the shard
 */
export async function checkBodies(
  { record }: OpenShard,
  file: FileHandle,
  buffer: Uint8Array,
): Promise<void> {
  for (const [index, { offset, bytes }] of record.batches.entries()) {
    let crc = 0;
    for (let done = 0; done < bytes; done += buffer.length) {
      const chunk = buffer.subarray(0, Math.min(buffer.length, bytes - done));
      await readFully(file, chunk, offset + done);
      crc = crc32(chunk, crc);
    }
    requireChecksum(record, index, crc);
  }
}

/** Throws {@link DamageError} where the body of a batch has another CRC-32 than its record says. */
export function requireChecksum({ name, batches }: ShardRecord, index: number, crc: number): void {
  if (crc === batches[index]!.crc32) return;
  const found = `record batch ${index} of ${batches.length} has another CRC-32 than when it was written`;
  throw new DamageError({ file: name, found });
}

async function readLayout(record: ShardRecord, file: FileHandle): Promise<ArrowLayout> {
  try {
    return await readArrowLayout(file, record.bytes);
  } catch (error) {
    throw new DamageError({ file: record.name, found: (error as Error).message });
  }
}

/** The columns must be those of the store, and the batches those of the record. */
function requireSame(info: GradientStoreInfo, record: ShardRecord, layout: ArrowLayout): void {
  const [expected, found] = [describeColumns(shardColumns(info)), describeColumns(layout.columns)];
  if (expected !== found) {
    throw new DamageError({ file: record.name, found: `its columns are ${found} instead of ${expected}` });
  }
  const places = (batches: { rows: number; offset: number; bytes: number }[]) =>
    JSON.stringify(batches.map(({ rows, offset, bytes }) => [rows, offset, bytes]));
  if (places(layout.batches) === places(record.batches)) return;
  throw new DamageError({
    file: record.name,
    found: 'its record batches are not those it was written with',
  });
}
