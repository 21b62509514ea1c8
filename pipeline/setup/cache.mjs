/**
 * The per-user cache that checkouts share. A folder in it appears at once and complete, by a rename; so two
 * checkouts may install at the same time, and an interrupted installation leaves nothing that counts as installed.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SetupFailure } from './failure.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

const STALE_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Fills `<cache>/<name>` once. `fill` writes into a temporary folder beside it, which is then renamed.
 *
 * @param {Machine} machine
 * @param {string} name folder below the cache, e.g. `engine/tensorflow-cpu-2.21.0-linux-x64`
 * @param {number} neededBytes free space that the filling takes at most
 * @param {(folder: string) => Promise<void>} fill
 * @returns {Promise<string>} the finished folder
 */
export async function installOnce(machine, name, neededBytes, fill) {
  const target = join(machine.cache, name);
  if (existsSync(target)) return target;
  const parent = join(machine.cache, 'unfinished');
  await makeCacheFolder(machine, parent);
  await removeLeftovers(machine, parent);
  await requireFreeSpace(machine.cache, neededBytes);
  const unfinished = join(parent, `${machine.host}-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await makeCacheFolder(machine, unfinished);
    await fill(unfinished);
    await makeCacheFolder(machine, dirname(target));
    await rename(unfinished, target).catch((error) => {
      // Another checkout was faster: what it installed is the same.
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return target;
}

/**
 * @param {Machine} machine
 * @param {string} folder
 */
async function makeCacheFolder(machine, folder) {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw new SetupFailure(
      `Expected to be able to write to the cache folder ${machine.cache}, got ${errorCode(error)}: make it writable, or set XDG_CACHE_HOME to a folder that is.`,
    );
  }
}

/**
 * Step by step, because Node's recursive mkdir answers ENOENT where the disk is read-only.
 *
 * @param {string} folder
 */
async function makeFolder(folder) {
  if (existsSync(folder)) return;
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
}

/**
 * Folder for the output of programs that the set-up starts.
 *
 * @param {Machine} machine
 * @param {string} name e.g. `build`
 * @returns {Promise<string>} path of a log file of this process's own
 */
export async function logFile(machine, name) {
  const folder = join(machine.cache, 'logs');
  await makeCacheFolder(machine, folder);
  return join(folder, `${name}-${machine.host}-${process.pid}.log`);
}

/**
 * Refuses to begin what the disk cannot hold.
 *
 * @param {string} folder an existing folder on the disk concerned
 * @param {number} neededBytes
 */
export async function requireFreeSpace(folder, neededBytes) {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new SetupFailure(
    `Expected ${megabytes(neededBytes)} of free disk space in the cache folder ${folder}, found ${megabytes(freeBytes)}: free some, or set XDG_CACHE_HOME to a folder on a larger disk.`,
  );
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}

/**
 * Deletes unfinished folders whose process has ended, and those of other hosts after a day.
 *
 * @param {Machine} machine
 * @param {string} parent
 */
async function removeLeftovers(machine, parent) {
  for (const name of await readdir(parent)) {
    const folder = join(parent, name);
    const [, host, pid] = /^(.*)-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
    const ended = host === machine.host ? !isRunning(Number(pid)) : await isOld(folder);
    if (ended) await rm(folder, { recursive: true, force: true });
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** @param {string} folder */
async function isOld(folder) {
  const info = await stat(folder).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs > STALE_AFTER_MS;
}

/** @param {unknown} error */
function errorCode(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? String(error);
}
