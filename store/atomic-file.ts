/**
 * Files that are there whole or not at all, also after a crash: written under a temporary name, flushed, renamed,
 * and the folder flushed. A direct write that is killed leaves a torn file, which nothing later can tell from a
 * finished one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { constants, copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { PipelineError } from '../schemas/errors.ts';
import { isRunning, processStartMs } from './process-identity.ts';

const TEMPORARY = /\.(\d+)(?:@([0-9a-f]+))?-[0-9a-f]+\.tmp$/;
/** Start times are known to about a second. */
const START_TOLERANCE_MS = 2000;
/** Processes of another host cannot be looked up: their files are believed to be in use for so long. */
const FOREIGN_MS = 3_600_000;
/** Tells hosts that share a folder apart. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** A new name beside `path`, `<path>.<pid>@<host>-<random>.tmp`, which {@link collectLeftovers} recognises. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}@${HOST}-${randomBytes(6).toString('hex')}.tmp`;
}

/**
 * Writes a whole file, from one piece or several. Whatever was at `path` stays until the new content is safely on the disk.
 * The folder must exist. Throws `DISK_FULL` or `NOT_WRITABLE`, and leaves no temporary file then.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string | readonly Uint8Array[],
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      for (const piece of Array.isArray(data) ? data : [data]) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    await publishFile(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw translateDiskError(error, path);
  }
}

/**
 * Puts a finished temporary file in its place: flush, rename, flush of the folder. For writers that stream into
 * {@link temporaryName} themselves; removes the temporary file when that fails.
 */
export async function publishFile(temporary: string, path: string): Promise<void> {
  try {
    await flush(temporary, 'r+');
    await rename(temporary, path);
    await flush(dirname(path), 'r');
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw translateDiskError(error, path);
  }
}

/** Copies a file under the name `target`, whole or not at all. Throws `DISK_FULL` or `NOT_WRITABLE`. */
export async function copyFileAtomic(source: string, target: string): Promise<void> {
  const temporary = temporaryName(target);
  try {
    await copyFile(source, temporary, constants.COPYFILE_FICLONE);
    await publishFile(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw translateDiskError(error, target);
  }
}

async function flush(path: string, mode: string): Promise<void> {
  const file = await open(path, mode);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Makes a folder and those above it, unless they are there. Throws `DISK_FULL` or `NOT_WRITABLE`.
 * Step by step, because the recursive mkdir of Node 20 reports a read-only disk as a missing folder.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && dirname(path) !== path) {
      await makeDirectory(dirname(path));
      return makeDirectory(path);
    }
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      const message = `Expected a folder at ${path}, found a file there or above it. Move that file away, or choose another folder (--runs DIR, --data DIR).`;
      throw new PipelineError('NOT_WRITABLE', message, { cause: error });
    }
    throw translateDiskError(error, path);
  }
}

/**
 * Turns what the system says when `path` cannot be written into an error for the user; anything else is returned
 * as it is. For every place that writes: `throw translateDiskError(error, path)`.
 */
export function translateDiskError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const what = code === 'ENOSPC' ? 'the disk is full' : 'the disk quota is used up';
    const message = `Expected room to write ${path}, found that ${what} (${code}). Free some space or choose a folder on another disk (--runs DIR, --data DIR), then run the same command again; what was finished is kept.`;
    return new PipelineError('DISK_FULL', message, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const what = code === 'EROFS' ? 'the file system is read-only' : 'permission is denied';
    const message = `Expected to be allowed to write ${path}, found that ${what} (${code}). Make its folder writable or choose another one (--runs DIR, --data DIR), then run the same command again.`;
    return new PipelineError('NOT_WRITABLE', message, { cause: error });
  }
  return error;
}

/**
 * Removes the temporary files that killed processes left in a folder and those below it: those of a process that
 * is gone, or that started after the file was last written (its number was used again; that may be ourselves). Those
 * of another host, once they are an hour old.
 * Returns the names removed, relative to the folder, sorted. To be called by the holder of the folder's lock.
 */
export async function collectLeftovers(directory: string): Promise<string[]> {
  const removed: string[] = [];
  for (const path of await filesBelow(directory)) {
    if (await removeLeftover(path)) removed.push(relative(directory, path).split(sep).join('/'));
  }
  return removed.sort();
}

/** The same for the temporary files of one file, wherever that is: nothing else of its folder is looked at. */
export async function collectLeftoversOf(path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${basename(path)}.`)) await removeLeftover(join(folder, name));
  }
}

/** Whether the file was one. */
async function removeLeftover(path: string): Promise<boolean> {
  const [, pid, host = HOST] = TEMPORARY.exec(path) ?? [];
  if (pid === undefined) return false;
  const isLeft = host === HOST ? await isLeftover(path, Number(pid)) : await isOlderThan(path, FOREIGN_MS);
  if (!isLeft) return false;
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw translateDiskError(error, path);
  }
  return true;
}

async function isLeftover(path: string, pid: number): Promise<boolean> {
  if (!isRunning(pid)) return true;
  const startedMs = processStartMs(pid);
  const info = await stat(path).catch(() => null);
  if (startedMs === null || info === null) return false;
  return info.mtimeMs < startedMs - START_TOLERANCE_MS;
}

async function isOlderThan(path: string, ageMs: number): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs > ageMs;
}

/** Paths of all files in a folder and those below it; none where there is no such folder. */
async function filesBelow(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
