/**
 * Unpacks .tar.gz and .zip. An archive that comes from elsewhere may name files outside of its folder, or links that
 * lead there; it is refused then, and so is whatever is neither a file nor a folder.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import * as yauzl from 'yauzl';
import { PipelineError } from '../schemas/errors.ts';
import { makeDirectory, translateDiskError } from './atomic-file.ts';

export interface UnpackOptions {
  /** Leading folders of each path that are left out; what has no more than those is left out whole. */
  strip: number;
  signal: AbortSignal;
  /** Bytes of the archive. */
  onProgress: (done: number, total: number) => void;
}

export interface UnpackedFile {
  /** Below the folder, with / between its parts. */
  path: string;
  bytes: number;
  sha256: string;
}

/** Takes one file of an archive: a name, and the bytes. */
type Take = (name: string, content: Readable) => Promise<void>;

const LINK = 0o12;
const readers = { 'tar.gz': readTar, zip: readZip };
export type ArchiveKind = keyof typeof readers;

/**
 * Puts the files of an archive below `directory`, over what has the same names; nothing of them before all are
 * unpacked. The caller holds a lock for that folder. Throws `DATA_DAMAGED`, `INTERRUPTED`, `DISK_FULL` or `NOT_WRITABLE`.
 *
 * @returns the files in the order of the archive
 */
export async function unpackArchive(
  archive: string,
  kind: ArchiveKind,
  directory: string,
  options: UnpackOptions,
): Promise<UnpackedFile[]> {
  const workplace = `${directory}.unpacking`;
  const files: UnpackedFile[] = [];
  try {
    await rm(workplace, { recursive: true, force: true });
    await makeDirectory(workplace);
    await readers[kind](archive, options, async (name, content) => {
      const path = placeOf(archive, name, options.strip);
      if (path === null) content.resume();
      else files.push(await writeEntry(workplace, path, content, options.signal));
    });
    if (files.length === 0) throw damaged(archive, 'files', 'none that would be unpacked');
    for (const { path } of files) {
      await makeDirectory(dirname(join(directory, path)));
      await rename(join(workplace, path), join(directory, path));
    }
    return files;
  } catch (error) {
    throw inWords(error, { archive, kind, directory, signal: options.signal });
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
}

function inWords(
  error: unknown,
  {
    archive,
    kind,
    directory,
    signal,
  }: { archive: string; kind: ArchiveKind; directory: string; signal: AbortSignal },
): unknown {
  if (signal.aborted) return new PipelineError('INTERRUPTED', 'Stopped.', { cause: error });
  const translated = translateDiskError(error, directory);
  if (translated instanceof PipelineError) return translated;
  return damaged(archive, `a whole .${kind}`, `that it does not unpack (${(error as Error).message})`);
}

function damaged(archive: string, expected: string, found: string): PipelineError {
  const message = `Expected ${expected} in ${archive}, found ${found}. Replace it by a fresh copy of the official file.`;
  return new PipelineError('DATA_DAMAGED', message, { place: { files: [archive] } });
}

/** Where a file belongs, below the folder; null for nowhere. */
function placeOf(archive: string, name: string, strip: number): string | null {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (name.startsWith('/') || name.includes('\\') || name.includes('\0') || parts.includes('..')) {
    throw damaged(archive, 'files that stay in their folder', `the path ${JSON.stringify(name)}`);
  }
  return parts.length <= strip ? null : parts.slice(strip).join('/');
}

async function writeEntry(
  workplace: string,
  path: string,
  content: Readable,
  signal: AbortSignal,
): Promise<UnpackedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  await makeDirectory(dirname(join(workplace, path)));
  await pipeline(content, count, createWriteStream(join(workplace, path)), { signal });
  return { path, bytes, sha256: hash.digest('hex') };
}

async function readTar(archive: string, { signal, onProgress }: UnpackOptions, take: Take): Promise<void> {
  const { size } = await stat(archive);
  const packed = createReadStream(archive);
  packed.on('data', () => onProgress(packed.bytesRead, size));
  const entries = extract();
  const feeding = pipeline(packed, createGunzip(), entries, { signal });
  const taking = (async () => {
    for await (const entry of entries) {
      const { name, type } = entry.header;
      if (type === 'file' || type === 'contiguous-file') await take(name, entry as unknown as Readable);
      else if (type === 'directory') entry.resume();
      else throw damaged(archive, 'files and folders alone', `a ${type} at ${JSON.stringify(name)}`);
    }
  })();
  // Either one's failure ends the other with a complaint of its own.
  const failures = (await Promise.allSettled([feeding, taking])).flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  );
  if (failures.length > 0) throw failures.find((reason) => reason instanceof PipelineError) ?? failures[0];
}

async function readZip(archive: string, { onProgress }: UnpackOptions, take: Take): Promise<void> {
  const { size } = await stat(archive);
  const zip = await yauzl.openPromise(archive, { lazyEntries: true, autoClose: false });
  try {
    let done = 0;
    for await (const entry of zip.eachEntry()) {
      const type = (entry.externalFileAttributes >>> 28) & 0o17;
      const name = entry.fileName;
      if (type === LINK)
        throw damaged(archive, 'files and folders alone', `a symlink at ${JSON.stringify(name)}`);
      if (!name.endsWith('/')) await take(name, await zip.openReadStreamPromise(entry));
      done += entry.compressedSize;
      onProgress(done, size);
    }
  } finally {
    zip.close();
  }
}
