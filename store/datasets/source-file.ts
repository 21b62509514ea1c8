/** Reading the official files of a data set, packed or not. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Bunzip from 'seek-bzip';
import type { DatasetInfo } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { sha256, sha256File } from '../content-hash.ts';
import { damagedData, HOW_TO_NAME_DATA } from './dataset-source.ts';

/** One official file, unpacked. */
export interface SourceFile {
  path: string;
  bytes: Buffer;
  /** Name, size and checksum as it lies on the disk. */
  source: DatasetInfo['sources'][number];
}

/** How a file may be packed, by the end of its name. */
const unpackers: Record<string, { name: string; unpack: (bytes: Buffer) => Buffer }> = {
  '.gz': { name: 'gzip', unpack: gunzipSync },
  '.bz2': { name: 'bzip2', unpack: (bytes) => Bunzip.decode(bytes) },
};

/**
 * Reads the files of a data set in the given order. Throws `DATA_MISSING` with all that are not there, or
 * `DATA_DAMAGED` for one that does not unpack (both packers keep a checksum).
 *
 * @param title name of the data set, for the message
 * @param alternatives for each file its possible names, the official one first
 */
export async function readSources(
  title: string,
  directory: string,
  alternatives: string[][],
): Promise<SourceFile[]> {
  const present = new Set(await listFolder(directory));
  const names = alternatives.map((choices) => choices.find((name) => present.has(name)));
  const missing = alternatives.filter((_, i) => names[i] === undefined).map(([official]) => official!);
  if (missing.length > 0) throw missingFiles(title, directory, alternatives, missing);
  return Promise.all(names.map((name) => readSource(directory, name!)));
}

/** Throws `DATA_MISSING` with all files that are not in the folder. */
export async function requireFiles(
  title: string,
  directory: string,
  files: readonly string[],
): Promise<void> {
  const present = await listFolder(directory);
  const missing = files.filter((name) => !present.includes(name));
  if (missing.length === 0) return;
  throw missingFiles(
    title,
    directory,
    files.map((name) => [name]),
    missing,
  );
}

/** Name, size and checksum of a file that is read in pieces. */
export async function fileSource(directory: string, name: string): Promise<DatasetInfo['sources'][number]> {
  const path = join(directory, name);
  return { name, bytes: (await stat(path)).size, sha256: await sha256File(path) };
}

/** Names in a folder; none where there is no such folder. */
export async function listFolder(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/**
 * Paths of all files below a folder, relative to it; none where there is no such folder. Links are followed, as the
 * readers follow them, but not those that lead back to a folder above.
 */
export async function filesBelow(directory: string, above: readonly string[] = []): Promise<string[]> {
  if ((await listFolder(directory)).length === 0) return [];
  const place = await realpath(directory);
  if (above.includes(place)) return [];
  const entries = await readdir(directory, { withFileTypes: true });
  const found = entries.map(async (entry) => {
    const path = join(directory, entry.name);
    const info = entry.isSymbolicLink() ? await stat(path).catch(() => entry) : entry;
    if (info.isFile()) return [entry.name];
    if (!info.isDirectory()) return [];
    return (await filesBelow(path, [...above, place])).map((file) => join(entry.name, file));
  });
  return (await Promise.all(found)).flat();
}

function missingFiles(
  title: string,
  directory: string,
  alternatives: string[][],
  missing: string[],
): PipelineError {
  const wanted = alternatives.map(([official]) => official).join(', ');
  const found = missing.length === alternatives.length ? 'none of them' : `no ${missing.join(', ')}`;
  const message = `Expected the ${title} files ${wanted} in ${directory}, found ${found} there. Put them there, or ${HOW_TO_NAME_DATA}.`;
  return new PipelineError('DATA_MISSING', message, { place: { files: missing } });
}

async function readSource(directory: string, name: string): Promise<SourceFile> {
  const path = join(directory, name);
  const packed = await readFile(path);
  const source = { name, bytes: packed.length, sha256: sha256(packed) };
  const unpacker = unpackers[/\.[a-z0-9]+$/.exec(name)?.[0] ?? ''];
  if (unpacker === undefined) return { path, bytes: packed, source };
  try {
    return { path, bytes: unpacker.unpack(packed), source };
  } catch (error) {
    const found = `${packed.length} bytes that do not unpack (${(error as Error).message}) and begin with ${beginning(packed)}`;
    throw damagedData(path, `whole ${unpacker.name} data`, found, error);
  }
}

/** The first bytes, in quotes if they are text, so that a saved web page is recognised at sight. */
export function beginning(bytes: Buffer): string {
  const head = bytes.subarray(0, 16);
  const isText = head.length > 0 && head.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? JSON.stringify(head.toString('latin1')) : `bytes ${head.toString('hex') || 'none'}`;
}
