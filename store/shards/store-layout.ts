/** Where things are in a gradient store: which shard holds an image, what its files are called, what they must say. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';
import { PipelineError } from '../../schemas/errors.ts';
import {
  GRADIENT_STORE_VERSION,
  type GradientStoreInfo,
  gradientStoreSchema,
  type ShardRecord,
  shardRecordSchema,
} from '../../schemas/gradient-store.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { translateReadError } from '../read-error.ts';
import type { Column } from './arrow-columns.ts';
import { codecs } from './codecs.ts';

export const STORE_FILE = 'store.json';
export const SUMMARY_FILE = 'summary.json';
/** Columns of a shard before those of the codec: `image` and `target`. */
export const INDEX_COLUMNS = 2;

/** Values of one gradient. */
export function gradientLength(info: Pick<GradientStoreInfo, 'shape'>): number {
  return sizeOf(info.shape);
}

export function countShards(info: GradientStoreInfo): number {
  return Math.ceil(info.images / info.shardImages);
}

/** The first image of a shard and how many it holds. */
export function imagesOfShard(info: GradientStoreInfo, shard: number): { first: number; count: number } {
  const shards = countShards(info);
  if (!Number.isInteger(shard) || shard < 0 || shard >= shards) {
    throw new RangeError(`Expected \`shard\` to be a whole number from 0 to ${shards - 1}, got ${shard}.`);
  }
  const first = shard * info.shardImages;
  return { first, count: Math.min(info.shardImages, info.images - first) };
}

/** `shard-00003`, with which the names of all that belongs to a shard begin. */
export function shardStem(shard: number): string {
  return `shard-${String(shard).padStart(5, '0')}`;
}

/** `shard-00003.arrow` */
export function shardName(shard: number): string {
  return `${shardStem(shard)}.arrow`;
}

/** `shard-00003.json` */
export function recordName(shard: number): string {
  return `${shardStem(shard)}.json`;
}

/** Columns of a shard: image and class that a row is of, then those of the codec. */
export function shardColumns(info: Pick<GradientStoreInfo, 'codec' | 'shape'>): Column[] {
  return [
    { name: 'image', kind: 'int32', width: null },
    { name: 'target', kind: 'int32', width: null },
    ...codecs[info.codec].columns(gradientLength(info)),
  ];
}

/**
 * Reads `store.json`. Throws `VERSION_NEWER` for a store of a later version of this program, and
 * `ARTIFACT_DAMAGED` where the file is missing, of an earlier version or not what it should be.
 */
export async function readStoreInfo(directory: string): Promise<GradientStoreInfo> {
  const content = await readJson(join(directory, STORE_FILE));
  const version = (content as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > GRADIENT_STORE_VERSION) {
    const message = `Expected a gradient store of version ${GRADIENT_STORE_VERSION} in ${directory}, found version ${version}. Use the version of pag-pipeline that wrote it, or another folder (--runs DIR).`;
    throw new PipelineError('VERSION_NEWER', message, { place: { artifact: directory } });
  }
  const parsed = gradientStoreSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const isOlder = typeof version === 'number' && version < GRADIENT_STORE_VERSION;
  const found = isOlder
    ? `one of version ${version}, which is no longer read`
    : describe(content, parsed.error);
  const expected = `a gradient store of version ${GRADIENT_STORE_VERSION}`;
  const message = `Expected ${STORE_FILE} in ${directory} to describe ${expected}, found ${found}. Remove that folder; the next \`pipeline run\` computes it again.`;
  throw new PipelineError('ARTIFACT_DAMAGED', message, {
    place: { artifact: directory, files: [STORE_FILE] },
  });
}

function describe(content: unknown, error: z.ZodError): string {
  return content === undefined ? 'no readable JSON' : `something else (${firstIssue(error)})`;
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]!;
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}

/** Reads what the file beside a shard says about it; undefined unless it speaks of just this shard. */
export async function readShardRecord(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
): Promise<ShardRecord | undefined> {
  const parsed = shardRecordSchema.safeParse(await readJson(join(directory, recordName(shard))));
  if (!parsed.success) return undefined;
  const rows = imagesOfShard(info, shard).count * info.targets;
  const batchRows = parsed.data.batches.reduce((sum, batch) => sum + batch.rows, 0);
  const isOfThisShard =
    parsed.data.name === shardName(shard) && parsed.data.rows === rows && batchRows === rows;
  return isOfThisShard ? parsed.data : undefined;
}

/** The file's content, or undefined where there is none that can be parsed. Throws `NOT_READABLE`. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw translateReadError(error, path);
  }
}
