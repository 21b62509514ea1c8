/**
 * Reads all of a gradient store and names everything in it that is not as it was written: its description, each shard
 * and its record, what the store says of itself as a whole, and the manifest that lists them.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import type { FileRecord, Manifest } from '../../schemas/manifest.ts';
import { readManifest } from '../artifacts.ts';
import { canonicalJson, sha256File } from '../content-hash.ts';
import { type Damage, findDamage } from './check-shard.ts';
import { shardsOnDisk } from './shard-files.ts';
import {
  countShards,
  readJson,
  readShardRecord,
  readStoreInfo,
  recordName,
  STORE_FILE,
  SUMMARY_FILE,
  shardName,
} from './store-layout.ts';
import { readSummary, summarizeRecords } from './store-summary.ts';

const MANIFEST = 'manifest.json';

export interface Verdict {
  /** Null where the store does not say what it holds. */
  info: GradientStoreInfo | null;
  /** Whether a manifest says that the store is whole. */
  isFinished: boolean;
  damages: Damage[];
}

/** @param onShard told after each shard */
export async function verifyStore(
  directory: string,
  onShard: (done: number, total: number) => void = () => undefined,
): Promise<Verdict> {
  const described = await attempt(STORE_FILE, () => readStoreInfo(directory));
  if ('found' in described) return { info: null, isFinished: false, damages: [described] };
  const info = described.value;
  const listed = await attempt(MANIFEST, () => readManifest(directory));
  const manifest = 'found' in listed ? null : listed.value;
  const damages = [
    ...(await damagedShards(directory, info, onShard)),
    ...(await damagedSummary(directory, info, manifest !== null)),
  ];
  const named = new Set(damages.map(({ file }) => file));
  if ('found' in listed) damages.push(listed);
  if (manifest !== null) damages.push(...(await staleEntries(directory, info, manifest, named)));
  return { info, isFinished: manifest !== null, damages };
}

/** What a reader returns, or what its error says about the file. */
async function attempt<T>(file: string, read: () => Promise<T>): Promise<{ value: T } | Damage> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    if (error.code === 'VERSION_NEWER') return { file, found: 'a newer release has written it' };
    if (error.code === 'ARTIFACT_DAMAGED') return { file, found: 'it is missing or not what it should be' };
    throw error;
  }
}

async function damagedShards(
  directory: string,
  info: GradientStoreInfo,
  onShard: (done: number, total: number) => void,
): Promise<Damage[]> {
  const damages: Damage[] = [];
  const shards = countShards(info);
  for (let shard = 0; shard < shards; shard++) {
    const damage = await findDamage(directory, info, shard);
    if (damage !== null) damages.push((await mistaken(directory, info, shard)) ?? damage);
    onShard(shard + 1, shards);
  }
  for (const shard of await shardsOnDisk(directory)) {
    if (shard >= shards)
      damages.push({ file: shardName(shard), found: `the store has only ${shards} shards` });
  }
  return damages;
}

/** A damaged shard that is really another one: files were swapped, or one was copied over it. */
async function mistaken(directory: string, info: GradientStoreInfo, shard: number): Promise<Damage | null> {
  const raw = (await readJson(join(directory, recordName(shard)))) as { name?: unknown } | null | undefined;
  if (typeof raw?.name === 'string' && raw.name !== shardName(shard)) {
    return { file: recordName(shard), found: `it describes ${raw.name}` };
  }
  const actual = await sha256File(join(directory, shardName(shard))).catch(() => null);
  for (let other = 0; actual !== null && other < countShards(info); other++) {
    const record = other === shard ? undefined : await readShardRecord(directory, info, other);
    if (record?.sha256 === actual) return { file: shardName(shard), found: `it holds ${shardName(other)}` };
  }
  return null;
}

/** The summary must be that of the records; a store without manifest may have none yet. */
async function damagedSummary(
  directory: string,
  info: GradientStoreInfo,
  isFinished: boolean,
): Promise<Damage[]> {
  const isThere = (await stat(join(directory, SUMMARY_FILE)).catch(() => null)) !== null;
  if (!isThere && !isFinished) return [];
  const found = await attempt(SUMMARY_FILE, () => readSummary(directory));
  if ('found' in found) return [found];
  // Without all records there is nothing to compare with; they are named already.
  const expected = await attempt(SUMMARY_FILE, () => summarizeRecords(directory, info));
  if ('found' in expected || canonicalJson(expected.value) === canonicalJson(found.value)) return [];
  return [{ file: SUMMARY_FILE, found: 'it is not that of the records' }];
}

/**
 * Small files by their content, shards by what their records say, which was compared with their content.
 * @param named files that are damaged themselves
 */
async function staleEntries(
  directory: string,
  info: GradientStoreInfo,
  manifest: Manifest,
  named: ReadonlySet<string>,
): Promise<Damage[]> {
  const listed = new Map(manifest.files.map((file) => [file.name, file]));
  const shards = Array.from({ length: countShards(info) }, (_, shard) => shard);
  const expected = [
    STORE_FILE,
    SUMMARY_FILE,
    ...shards.flatMap((shard) => [shardName(shard), recordName(shard)]),
  ];
  const damages: Damage[] = expected
    .filter((name) => !listed.has(name))
    .map((name) => ({ file: MANIFEST, found: `it does not list ${name}` }));
  for (const record of manifest.files) {
    if (named.has(record.name)) continue;
    const shard = shards.find((number) => shardName(number) === record.name);
    const actual =
      shard === undefined
        ? await fileRecord(directory, record.name)
        : await recordedFile(directory, info, shard);
    // What is missing is named by the checks of shards and summary.
    if (actual === null || (actual.bytes === record.bytes && actual.sha256 === record.sha256)) continue;
    damages.push({ file: MANIFEST, found: `it lists other content of ${record.name}` });
  }
  return damages;
}

async function fileRecord(directory: string, name: string): Promise<Omit<FileRecord, 'name'> | null> {
  const path = join(directory, name);
  const info = await stat(path).catch(() => null);
  return info === null ? null : { bytes: info.size, sha256: await sha256File(path) };
}

async function recordedFile(
  directory: string,
  info: GradientStoreInfo,
  shard: number,
): Promise<Omit<FileRecord, 'name'> | null> {
  return (await readShardRecord(directory, info, shard)) ?? null;
}
