/**
 * Reads all of a gradient store and names everything in it that is not as it was written: its description, each shard
 * and its record, what the store says of itself as a whole, and the manifest that lists them.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import type { Manifest } from '../../schemas/manifest.ts';
import { readManifest, verifyArtifact } from '../artifacts.ts';
import { canonicalJson, sha256File } from '../content-hash.ts';
import { type Damage, findDamage, toDamage } from './check-shard.ts';
import { forgottenFiles, otherFiles, recordedFile, staleEntries, wrongIdentity } from './compare-manifest.ts';
import { shardsOnDisk } from './shard-files.ts';
import {
  countShards,
  readJson,
  readStoreInfo,
  recordName,
  STORE_FILE,
  SUMMARY_FILE,
  shardName,
} from './store-layout.ts';
import { readSummary, summarizeRecords } from './store-summary.ts';

const MANIFEST = 'manifest.json';
const NEWER = 'a newer release has written it';
const OTHER_CONTENT = `it is not what ${MANIFEST} lists`;

export interface Verdict {
  /** Null where the store does not say what it holds. */
  info: GradientStoreInfo | null;
  /** Whether a manifest says that the store is whole. */
  isFinished: boolean;
  damages: Damage[];
  /**
   * Files that are sound in themselves, but not those that the manifest lists. Which of the two is right shows when they
   * are made again.
   */
  doubtful: string[];
  /** Names of files that are no part of a store, sorted. */
  others: string[];
}

/** Damage that only a newer release can judge. */
export function isNewer({ found }: Damage): boolean {
  return found === NEWER;
}

/** @param onShard told after each shard */
export async function verifyStore(
  directory: string,
  onShard: (done: number, total: number) => void = () => undefined,
): Promise<Verdict> {
  const listed = await attempt(MANIFEST, () => readManifest(directory));
  const manifest = 'found' in listed ? null : listed.value;
  const described = await describedStore(directory, manifest);
  if ('found' in described) return withoutDescription(directory, manifest, described);
  const info = described.value;
  const damages = [
    ...(await damagedShards(directory, info, onShard)),
    ...(await damagedSummary(directory, info, manifest !== null)),
  ];
  const named = new Set(damages.map(({ file }) => file));
  if ('found' in listed) damages.push(listed);
  const stale = manifest === null ? [] : await staleEntries(directory, info, manifest, named);
  const wrong =
    manifest === null
      ? []
      : [
          ...stale.map((name) => `it lists other content of ${name}`),
          ...forgottenFiles(info, manifest).map((name) => `it does not list ${name}`),
          ...wrongIdentity(directory, manifest),
        ];
  return {
    info,
    isFinished: manifest !== null,
    damages: [...damages, ...wrong.map((found) => ({ file: MANIFEST, found }))],
    doubtful: stale,
    others: await otherFiles(directory, info, manifest),
  };
}

/** What `store.json` says, unless the manifest lists another: all that is in the store is judged by it. */
async function describedStore(
  directory: string,
  manifest: Manifest | null,
): Promise<{ value: GradientStoreInfo } | Damage> {
  const described = await attempt(STORE_FILE, () => readStoreInfo(directory));
  const listed = manifest?.files.find(({ name }) => name === STORE_FILE);
  if ('found' in described || listed === undefined) return described;
  const isListed = (await sha256File(join(directory, STORE_FILE))) === listed.sha256;
  return isListed ? described : { file: STORE_FILE, found: OTHER_CONTENT };
}

/** Without a description the manifest alone tells what the other files should be. */
async function withoutDescription(
  directory: string,
  manifest: Manifest | null,
  damage: Damage,
): Promise<Verdict> {
  const changed = manifest === null ? [] : await verifyArtifact(directory);
  const others = changed.filter((name) => name !== STORE_FILE);
  const damages = [damage, ...others.map((file) => ({ file, found: OTHER_CONTENT }))];
  return { info: null, isFinished: false, damages, doubtful: [], others: [] };
}

/** What a reader returns, or what its error says about the file. */
async function attempt<T>(file: string, read: () => Promise<T>): Promise<{ value: T } | Damage> {
  try {
    return { value: await read() };
  } catch (error) {
    const code = error instanceof PipelineError ? error.code : null;
    if (code === 'VERSION_NEWER') return { file, found: NEWER };
    if (code === 'ARTIFACT_DAMAGED') return { file, found: 'it is missing or not what it should be' };
    const damage = toDamage(error, file);
    if (damage === null) throw error;
    return damage;
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
  const path = join(directory, recordName(shard));
  const raw = (await readJson(path).catch(() => null)) as { name?: unknown } | null | undefined;
  if (typeof raw?.name === 'string' && raw.name !== shardName(shard)) {
    return { file: recordName(shard), found: `it describes ${raw.name}` };
  }
  const actual = await sha256File(join(directory, shardName(shard))).catch(() => null);
  for (let other = 0; actual !== null && other < countShards(info); other++) {
    const record = other === shard ? null : await recordedFile(directory, info, other);
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
