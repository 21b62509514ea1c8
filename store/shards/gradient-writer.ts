/**
 * Writes a gradient store shard by shard, in any order; what an interrupted run finished is kept. A shard is
 * finished once the file beside it says what it is, and is written last.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo, ShardRecord, StoreSummary } from '../../schemas/gradient-store.ts';
import { collectLeftovers, makeDirectory, writeFileAtomic } from '../atomic-file.ts';
import type { Claim } from '../claims.ts';
import { canonicalJson } from '../content-hash.ts';
import { writeArrowFile } from './arrow-writer.ts';
import { findDamage } from './check-shard.ts';
import type { Encoder } from './codecs/codec.ts';
import { codecs } from './codecs.ts';
import { encodeGradients } from './encode-gradients.ts';
import { recordedShards, removeShard, shardsOnDisk } from './shard-files.ts';
import {
  countShards,
  gradientLength,
  imagesOfShard,
  readStoreInfo,
  recordName,
  STORE_FILE,
  shardColumns,
  shardName,
} from './store-layout.ts';
import { writeSummary } from './store-summary.ts';

export interface GradientWriter {
  readonly info: GradientStoreInfo;
  readonly shardCount: number;
  /**
   * Numbers of the shards that are not finished, ascending. Checks every finished one by its SHA-256, and removes
   * whatever belongs to the others. For the holder of the folder's lock, before anything is written.
   * @param claim gives the right to remove a shard's files, or null where another process is writing them
   */
  missing(claim?: (shard: number) => Promise<Claim | null>): Promise<number[]>;
  /** Numbers of the shards that are finished, by what their files are called; nothing is checked. */
  finished(): Promise<Set<number>>;
  /** The images of a shard: `first` … `first + count − 1`. */
  imagesOf(shard: number): { first: number; count: number };
  /**
   * Writes one shard; the same gradients give the same bytes.
   * Throws `NOT_FINITE` where a gradient holds NaN or infinity, and `DISK_FULL` or `NOT_WRITABLE`.
   * @param gradients [count, targets, ...shape] flattened: image-major, slot-minor
   * @param classes [count, targets]: towards which class each is, where the store lists them, and only there
   */
  write(shard: number, gradients: Float32Array, classes?: Uint16Array): Promise<ShardRecord>;
  /** Writes what all records together say, once no shard is missing; for the holder of the folder's lock. */
  finish(): Promise<StoreSummary>;
}

/**
 * Starts a store in `directory`, or goes on with the one that is there, which must be the same
 * (else `ARTIFACT_DAMAGED`).
 */
export async function openGradientWriter(
  directory: string,
  info: GradientStoreInfo,
): Promise<GradientWriter> {
  await makeDirectory(directory);
  await writeStoreInfo(directory, info);
  const encoder = await codecs[info.codec].openEncoder(gradientLength(info));
  const shardCount = countShards(info);
  return {
    info,
    shardCount,
    imagesOf: (shard) => imagesOfShard(info, shard),
    write: (shard, gradients, classes) => writeShard(directory, info, encoder, shard, gradients, classes),
    finish: () => writeSummary(directory, info),
    finished: () => recordedShards(directory),
    async missing(claim = async () => ({ release: async () => undefined })) {
      await collectLeftovers(directory);
      for (const shard of await shardsOnDisk(directory)) {
        if (shard < shardCount && (await findDamage(directory, info, shard)) === null) continue;
        const claimed = await claim(shard);
        if (claimed !== null) await discardUnsound(directory, info, shard).finally(claimed.release);
      }
      const finished = await recordedShards(directory);
      return Array.from({ length: shardCount }, (_, shard) => shard).filter((shard) => !finished.has(shard));
    },
  };
}

async function writeStoreInfo(directory: string, info: GradientStoreInfo): Promise<void> {
  const path = join(directory, STORE_FILE);
  if ((await stat(path).catch(() => null)) === null) {
    await writeFileAtomic(path, `${JSON.stringify(info, null, 2)}\n`);
    return;
  }
  const [expected, found] = [canonicalJson(info), canonicalJson(await readStoreInfo(directory))];
  if (expected === found) return;
  const message = `Expected ${STORE_FILE} in ${directory} to say ${expected}, found ${found}. Remove that folder; the next \`pipeline run\` computes it again.`;
  throw new PipelineError('ARTIFACT_DAMAGED', message, {
    place: { artifact: directory, files: [STORE_FILE] },
  });
}

/** Once the shard is claimed: who had it before may have finished it. */
async function discardUnsound(directory: string, info: GradientStoreInfo, shard: number): Promise<void> {
  if (shard >= countShards(info) || (await findDamage(directory, info, shard)) !== null)
    await removeShard(directory, shard);
}

async function writeShard(
  directory: string,
  info: GradientStoreInfo,
  encoder: Encoder,
  shard: number,
  gradients: Float32Array,
  classes?: Uint16Array,
): Promise<ShardRecord> {
  const { first, count } = imagesOfShard(info, shard);
  const length = gradientLength(info);
  if (gradients.length !== count * info.targets * length) {
    const expected = `${count} images x ${info.targets} targets x ${length} values`;
    throw new RangeError(
      `Expected gradients of shard ${shard} to hold ${expected}, got ${gradients.length} values.`,
    );
  }
  requireClasses(info, count * info.targets, classes);
  const { source, loss } = encodeGradients(directory, info, encoder, first, gradients, classes);
  const metadata = { codec: info.codec, shape: JSON.stringify(info.shape) };
  const path = join(directory, shardName(shard));
  const { bytes, sha256, batches } = await writeArrowFile(path, shardColumns(info), metadata, source);
  const rows = count * info.targets;
  const record: ShardRecord = {
    name: shardName(shard),
    rows,
    bytes,
    sha256,
    batches,
    worstCosineLoss: loss.worst,
    meanCosineLoss: loss.sum / rows,
  };
  await writeFileAtomic(join(directory, recordName(shard)), `${JSON.stringify(record)}\n`);
  return record;
}

function requireClasses(
  { targetClasses, classes }: GradientStoreInfo,
  rows: number,
  listed?: Uint16Array,
): void {
  const isExpected = targetClasses === 'listed' ? listed?.length === rows : listed === undefined;
  if (!isExpected) {
    const expected = targetClasses === 'listed' ? `a class for each of ${rows} rows` : 'no classes';
    throw new RangeError(
      `Expected ${expected} with gradients of a store whose target classes are ${targetClasses}, got ${listed?.length ?? 'none'}.`,
    );
  }
  const wrong = listed?.find((index) => index >= classes);
  if (wrong === undefined) return;
  throw new RangeError(`Expected \`classes\` to be from 0 to ${classes - 1}, got ${wrong}.`);
}
