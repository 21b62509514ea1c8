/** The official files of one data set, into the folder where its reader looks for them. */
import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import { makeDirectory } from '../../store/atomic-file.ts';
import type { DatasetEntry, Download } from '../../store/datasets/catalogue-entry.ts';
import { addFetched, fetchedFolder, readFetched } from '../../store/datasets/fetched-files.ts';
import { findDataset } from '../../store/datasets/find-datasets.ts';
import { acquireLock } from '../../store/lock-file.ts';
import { unpackArchive } from '../../store/unpack-archive.ts';
import type { Emit } from '../events.ts';
import { downloadFile } from './download-file.ts';
import { partOf } from './partial-file.ts';
import { whatIsWrong } from './remote-file.ts';

export interface FetchOptions {
  dataDirectory: string;
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  emit: Emit;
}

/** Where a user puts a file by hand: an archive at the top of the data directory, another file in its place. */
export function pathOf({ name, into, archive }: Download, dataDirectory: string): string {
  return join(dataDirectory, archive === undefined ? into : '', name);
}

/** Where we put it: an archive that we have downloaded ourselves is removed once it is unpacked. */
function downloadPathOf(download: Download, dataDirectory: string): string {
  if (download.archive === undefined) return pathOf(download, dataDirectory);
  return join(fetchedFolder(dataDirectory), download.name);
}

/** Files that the data set's usual layout needs; `withOptional`: and those that it reads on request. */
export function downloadsOf(entry: DatasetEntry, withOptional: boolean): Download[] {
  const { folder } = entry.layouts[0];
  const isOfLayout = ({ into }: Download) =>
    folder === null || into === folder || into.startsWith(`${folder}/`);
  return entry.downloads.filter(
    (download) => isOfLayout(download) && (withOptional || !isOptional(entry, download)),
  );
}

function isOptional({ layouts: [usual] }: DatasetEntry, { name }: Download): boolean {
  return usual.optional?.includes(name.replace(/\.gz$/, '')) ?? false;
}

/** Those of the downloads that are not there yet; of a data set that is whole in any layout, optional ones alone. */
export async function missingDownloads(
  entry: DatasetEntry,
  downloads: readonly Download[],
  dataDirectory: string,
): Promise<Download[]> {
  const { found } = await findDataset(entry, dataDirectory);
  const unpacked = await readFetched(dataDirectory, folderOf(entry));
  return downloads.filter((download) => {
    if (found && !isOptional(entry, download)) return false;
    const path = pathOf(download, dataDirectory);
    if (download.archive === undefined) return !existsSync(path) && !existsSync(path.replace(/\.gz$/, ''));
    return !unpacked[download.name]?.every((file) => existsSync(join(dataDirectory, file.path)));
  });
}

/** Bytes still to come, as far as known. */
export async function bytesToCome(downloads: readonly Download[], dataDirectory: string): Promise<number> {
  const rests = downloads.map(async (download) => {
    const path = downloadPathOf(download, dataDirectory);
    const places = [path, partOf(path), pathOf(download, dataDirectory)];
    const there = places.map((name) => stat(name).catch(() => ({ size: 0 })));
    const sizes = (await Promise.all(there)).map(({ size }) => size);
    return Math.max(0, (download.bytes ?? 0) - Math.max(...sizes));
  });
  return (await Promise.all(rests)).reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Downloads and unpacks under the lock of the folder; what another process has fetched meanwhile is not fetched again.
 *
 * @returns the names of the files that were fetched
 */
export async function fetchDataset(
  entry: DatasetEntry,
  downloads: readonly Download[],
  options: FetchOptions,
): Promise<string[]> {
  return withFolderLocked(entry, 'download', options, async () => {
    const missing = await missingDownloads(entry, downloads, options.dataDirectory);
    for (const download of missing) await fetchOne(entry, download, options);
    return missing.map(({ name }) => name);
  });
}

/** Does something while no other process puts files into the data set's folder. */
export async function withFolderLocked<T>(
  entry: DatasetEntry,
  what: string,
  { dataDirectory, emit, signal }: FetchOptions,
  work: () => Promise<T>,
): Promise<T> {
  await makeDirectory(fetchedFolder(dataDirectory));
  const name = `${folderOf(entry).replaceAll('/', '-')}.lock`;
  const lock = await acquireLock(join(fetchedFolder(dataDirectory), name), {
    purpose: `${what} of ${entry.name}`,
    onWait: (holder) => emit({ event: 'wait', id: entry.name, name: entry.name, holder }),
    signal,
  });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function fetchOne(entry: DatasetEntry, download: Download, options: FetchOptions): Promise<void> {
  const { dataDirectory } = options;
  const byHand = pathOf(download, dataDirectory);
  if (download.archive !== undefined && existsSync(byHand)) {
    await requireOfficial(download, byHand);
    return unpack(download, byHand, folderOf(entry), options);
  }
  const path = downloadPathOf(download, dataDirectory);
  if (!existsSync(path)) {
    await makeDirectory(dirname(path));
    await told(download.name, options, (onProgress, onNote) =>
      downloadFile(download, path, { ...options, onProgress, onNote }),
    ).catch((error) => Promise.reject(withAdvice(error, entry, byHand)));
  }
  if (download.archive === undefined) return;
  await unpack(download, path, folderOf(entry), options);
  await rm(path);
}

function withAdvice(error: unknown, { byHand }: DatasetEntry, path: string): unknown {
  if (!(error instanceof PipelineError) || error.code !== 'DOWNLOAD_FAILED') return error;
  const advice = `Try again later, or put the file by hand at\n  ${path}\nand run the same command again.`;
  const message = [error.message, advice, ...(byHand === undefined ? [] : [byHand])].join('\n');
  return new PipelineError('DOWNLOAD_FAILED', message, { cause: error });
}

/** Throws `DATA_DAMAGED` for a file of that name with other bytes. */
export async function requireOfficial(download: Download, path: string): Promise<void> {
  const wrong = await whatIsWrong(download, path);
  if (wrong === null) return;
  const message = `Expected the official ${download.name} in ${path}, found ${wrong}. Remove it, or put a fresh copy in its place.`;
  throw new PipelineError('DATA_DAMAGED', message, { place: { files: [path] } });
}

/** Unpacks an archive that is known to be official, and notes what came out. */
export async function unpack(
  { name, archive, into, strip = 0 }: Download,
  path: string,
  folder: string,
  options: FetchOptions,
): Promise<void> {
  const { dataDirectory, signal } = options;
  const files = await told(`unpack ${name}`, options, (onProgress) =>
    unpackArchive(path, archive!, join(dataDirectory, into), { strip, signal, onProgress }),
  );
  const listed = files.map((file) => ({ ...file, path: `${into}/${file.path}` }));
  await addFetched(dataDirectory, folder, { [name]: listed });
}

/** Does a piece of work and tells how far it is, in MB or kB. */
async function told<T>(
  name: string,
  { emit, dataDirectory }: FetchOptions,
  work: (
    onProgress: (done: number, total: number | null) => void,
    onNote: (sentence: string) => void,
  ) => Promise<T>,
): Promise<T> {
  const subject = { id: name, name };
  const startedMs = performance.now();
  emit({ event: 'start', ...subject });
  const onProgress = (done: number, total: number | null) => {
    const [unit, bytes] = (total ?? done) >= 1e6 ? (['MB', 1e6] as const) : (['kB', 1e3] as const);
    const tenths = (value: number) => Math.round((10 * value) / bytes) / 10;
    emit({ event: 'progress', ...subject, done: tenths(done), total: tenths(total ?? done), unit });
  };
  try {
    const result = await work(onProgress, (sentence) => emit({ event: 'note', ...subject, sentence }));
    const seconds = (performance.now() - startedMs) / 1000;
    emit({ event: 'finish', ...subject, seconds, made: true, directory: dataDirectory });
    return result;
  } catch (error) {
    const { code = null, message } = error as PipelineError;
    emit({ event: 'fail', ...subject, code, message, log: '' });
    throw error;
  }
}

/** Name for the lock and the list of a data set; sets that share files share both. */
export const folderOf = ({ name, layouts }: DatasetEntry) => layouts[0].folder ?? name;
