/** Compares a gradient store with its manifest: what it lists, what it forgets, what it was made from, what else there is. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { type FileRecord, type Manifest, VOLATILE_FILES } from '../../schemas/manifest.ts';
import { keyOf, sha256File } from '../content-hash.ts';
import {
  countShards,
  readShardRecord,
  recordName,
  STORE_FILE,
  SUMMARY_FILE,
  shardName,
} from './store-layout.ts';

/**
 * Names of files of other content than the manifest lists. Small files by their content, shards by what their records say,
 * which was compared with their content.
 * @param named files that are damaged themselves
 */
export async function staleEntries(
  directory: string,
  info: GradientStoreInfo,
  manifest: Manifest,
  named: ReadonlySet<string>,
): Promise<string[]> {
  const shards = new Map(shardNumbers(info).map((shard) => [shardName(shard), shard]));
  const stale: string[] = [];
  for (const record of manifest.files) {
    if (named.has(record.name)) continue;
    const shard = shards.get(record.name);
    const actual =
      shard === undefined
        ? await fileRecord(directory, record.name)
        : await recordedFile(directory, info, shard);
    // What is missing is named by the checks of shards and summary.
    if (actual === null || (actual.bytes === record.bytes && actual.sha256 === record.sha256)) continue;
    stale.push(record.name);
  }
  return stale;
}

/** Names of files of the store that the manifest leaves out. */
export function forgottenFiles(info: GradientStoreInfo, manifest: Manifest): string[] {
  const listed = new Set(manifest.files.map(({ name }) => name));
  return filesOf(info).filter((name) => !listed.has(name));
}

/**
 * The key must follow from what the manifest says of the store's making, and the folder be named after it; what is wrong
 * completes "found that …".
 */
export function wrongIdentity(directory: string, manifest: Manifest): string[] {
  const { stage, codeVersion, config, inputs, key } = manifest;
  const found: string[] = [];
  if (keyOf({ stage, codeVersion, config, inputs }) !== key)
    found.push('its key is not that of what it says the store was made from');
  const folder = basename(resolve(directory));
  if (/^precompute-[0-9a-f]{16}$/.test(folder) && folder !== `${stage}-${key}`)
    found.push(`it is that of ${stage}-${key}`);
  return found;
}

/** Names of files that are no part of the store, sorted. Shards too many are named as damage. */
export async function otherFiles(
  directory: string,
  info: GradientStoreInfo,
  manifest: Manifest | null,
): Promise<string[]> {
  const known = new Set([
    ...filesOf(info),
    ...VOLATILE_FILES,
    ...(manifest?.files ?? []).map(({ name }) => name),
  ]);
  const names = await readdir(directory);
  return names.filter((name) => !known.has(name) && !/^shard-\d+\.(arrow|json)$/.test(name)).sort();
}

function filesOf(info: GradientStoreInfo): string[] {
  const shards = shardNumbers(info).flatMap((shard) => [shardName(shard), recordName(shard)]);
  return [STORE_FILE, SUMMARY_FILE, ...shards];
}

function shardNumbers(info: GradientStoreInfo): number[] {
  return Array.from({ length: countShards(info) }, (_, shard) => shard);
}

async function fileRecord(directory: string, name: string): Promise<Omit<FileRecord, 'name'> | null> {
  const path = join(directory, name);
  const info = await stat(path).catch(() => null);
  return info === null ? null : { bytes: info.size, sha256: await sha256File(path) };
}

/** What the record of a shard says of it; null where there is none. */
export async function recordedFile(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
): Promise<Omit<FileRecord, 'name'> | null> {
  return (await readShardRecord(directory, info, shard).catch(() => null)) ?? null;
}
