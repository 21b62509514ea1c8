/**
 * Artifacts: folders named after their content's key, finished by a manifest that is written last. A folder without
 * a manifest is unfinished work that can be taken up again; one with a manifest is never written to, except that a
 * damaged file is taken out and made again.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { PipelineError } from '../schemas/errors.ts';
import {
  type FileRecord,
  MANIFEST_VERSION,
  type Manifest,
  manifestSchema,
  type Provenance,
  VOLATILE_FILES,
} from '../schemas/manifest.ts';
import type { Json, StageName } from '../schemas/stage.ts';
import { collectLeftovers, translateDiskError, writeFileAtomic } from './atomic-file.ts';
import { canonicalJson, sha256File } from './content-hash.ts';
import { translateReadError } from './read-error.ts';

const MANIFEST = 'manifest.json';
const PROVENANCE = 'provenance.json';
/** A gradient shard and the record that says what is in it; each is worth nothing without the other. */
const SHARD = /^(.*shard-\d+)\.(arrow|json)$/;

export interface ArtifactState {
  state: 'absent' | 'unfinished' | 'finished' | 'damaged';
  /** Names of files that are missing or changed, relative to the artifact. */
  damaged: string[];
}

/** Folder of the artifact that a stage makes under a key. */
export function artifactDirectory(runs: string, stage: StageName, key: string): string {
  return join(runs, 'artifacts', `${stage}-${key}`);
}

/**
 * The manifest, or null where there is none. Throws `ARTIFACT_DAMAGED` where it is not what it should be, and
 * `VERSION_NEWER` where a newer program has written it, `NOT_READABLE` where it may not be read.
 */
export async function readManifest(directory: string): Promise<Manifest | null> {
  const path = join(directory, MANIFEST);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw translateReadError(error, path);
  }
  return parseManifest(directory, path, text);
}

function parseManifest(directory: string, path: string, text: string): Manifest {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw damagedManifest(directory, path, 'text that is no JSON', error);
  }
  const version = (raw as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > MANIFEST_VERSION) {
    const message = `Expected a manifest of version ${MANIFEST_VERSION} in ${path}, found version ${version}, which a newer release has written. Update this program, or choose another folder (--runs DIR).`;
    throw new PipelineError('VERSION_NEWER', message, { place: { artifact: directory } });
  }
  const parsed = manifestSchema.safeParse(raw);
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!;
    throw damagedManifest(
      directory,
      path,
      `a wrong entry at ${at.join('.') || 'the top'} (${message})`,
      parsed.error,
    );
  }
  const outside = parsed.data.files.find(({ name }) => !isInside(name));
  if (outside !== undefined) {
    throw damagedManifest(directory, path, `the file name ${outside.name}, which leads out of the artifact`);
  }
  return parsed.data;
}

function isInside(name: string): boolean {
  return name !== '' && !name.startsWith('/') && !name.split('/').includes('..');
}

function damagedManifest(directory: string, path: string, found: string, cause?: unknown): PipelineError {
  const message = `Expected the manifest of an artifact in ${path}, found ${found}. Remove the folder ${directory} and run the same command again; it will be made anew.`;
  return new PipelineError('ARTIFACT_DAMAGED', message, {
    place: { artifact: directory, files: [MANIFEST] },
    cause,
  });
}

/** A quick look: whether the manifest and every file are there, with the right sizes. Throws `VERSION_NEWER`. */
export async function inspectArtifact(directory: string): Promise<ArtifactState> {
  const names = await readdir(directory).catch(ignoreMissing);
  if (names === null || names.length === 0) return { state: 'absent', damaged: [] };
  const damaged = await damagedFiles(directory, async (path, { bytes }) => (await stat(path)).size === bytes);
  if (damaged === null) return { state: 'unfinished', damaged: [] };
  return { state: damaged.length === 0 ? 'finished' : 'damaged', damaged };
}

/**
 * Reads every file and compares its SHA-256: the names of those that are missing or changed, empty if the artifact
 * is what its manifest says. The manifest itself counts as a file. Throws `VERSION_NEWER`.
 */
export async function verifyArtifact(directory: string): Promise<string[]> {
  const isWhole = async (path: string, record: FileRecord): Promise<boolean> =>
    (await stat(path)).size === record.bytes && (await sha256File(path)) === record.sha256;
  return (await damagedFiles(directory, isWhole)) ?? [MANIFEST];
}

/** Names of the files that fail the test, or null where there is no manifest. */
async function damagedFiles(
  directory: string,
  isWhole: (path: string, record: FileRecord) => Promise<boolean>,
): Promise<string[] | null> {
  try {
    const manifest = await readManifest(directory);
    if (manifest === null) return null;
    const damaged: string[] = [];
    for (const record of manifest.files) {
      const isGood = await isWhole(join(directory, record.name), record).catch(ignoreMissing);
      if (isGood !== true) damaged.push(record.name);
    }
    return damaged;
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'ARTIFACT_DAMAGED') return [MANIFEST];
    throw error;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

/**
 * Ends the work on an artifact: removes leftovers of killed processes, takes the checksum of every file but the
 * volatile ones, writes the provenance, and last of all the manifest. Same files and identity, same manifest bytes.
 */
export async function finishArtifact(
  directory: string,
  identity: Omit<Manifest, 'version' | 'files'>,
  provenance: Provenance,
): Promise<Manifest> {
  await collectLeftovers(directory);
  const files: FileRecord[] = [];
  for (const name of await listFiles(directory)) {
    const path = join(directory, name);
    files.push({ name, bytes: (await stat(path)).size, sha256: await sha256File(path) });
  }
  const manifest = manifestSchema.parse({ ...identity, version: MANIFEST_VERSION, files });
  await writeFileAtomic(join(directory, PROVENANCE), toText(provenance));
  // By way of the canonical form, so that the order in which the identity was put together leaves no trace.
  await writeFileAtomic(join(directory, MANIFEST), toText(JSON.parse(canonicalJson(manifest as Json))));
  return manifest;
}

/** Names of all files that the manifest lists, with forward slashes, sorted. */
async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !VOLATILE_FILES.includes(name.split('/')[0]!))
    .sort();
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Makes a finished artifact unfinished again: the manifest goes first, so that a crash leaves nothing that claims to
 * be whole, then exactly the damaged files, a shard together with its record. The stage then makes only these anew.
 *
 * @param damaged names as {@link inspectArtifact} and {@link verifyArtifact} give them
 */
export async function reopenArtifact(directory: string, damaged: string[]): Promise<void> {
  const names = new Set(damaged);
  for (const name of damaged) {
    const shard = SHARD.exec(name)?.[1];
    if (shard !== undefined) names.add(`${shard}.arrow`).add(`${shard}.json`);
  }
  names.delete(MANIFEST);
  for (const name of [MANIFEST, ...names]) await remove(join(directory, name));
}

/** Removes an artifact, its manifest first. */
export async function discardArtifact(directory: string): Promise<void> {
  await remove(join(directory, MANIFEST));
  await remove(directory);
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw translateDiskError(error, path);
  }
}
