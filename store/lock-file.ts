/**
 * A lock that keeps two processes off one artifact, kept in a file so that it also works between terminals.
 *
 * The file appears together with its content (written elsewhere, then linked), so no reader sees half of it. It
 * names its holder by process number, start time and host: a holder that was killed is recognised even when its
 * number has been given to another process. Holders on another host are believed to be alive. Containers that
 * share a host name but do not see each other's processes would mistake each other for gone.
 *
 * A stale lock with token T is replaced only by the holder of a second lock, `<path>.takeover-T`. That one is
 * taken by the same rules, so a process that is killed during the takeover does no harm either; and as tokens are
 * never used twice, whoever gets the second lock late sees another token inside and leaves the new holder alone.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { PipelineError } from '../schemas/errors.ts';
import { temporaryName, translateDiskError } from './atomic-file.ts';
import { isRunning, processIdentity } from './process-identity.ts';

const POLL_MS = 200;

const holderSchema = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  /** See processIdentity; null where the system does not tell. */
  process: z.string().nullable(),
  purpose: z.string(),
  token: z.string(),
  /** ISO 8601 */
  since: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

export interface Lock {
  /** Removes the lock file if it is still ours. */
  release(): Promise<void>;
  /** Reads the lock file again: false once somebody has removed or replaced it. */
  isHeld(): boolean;
}

export interface LockOptions {
  /** What the lock is for, shown to those who wait: `run of train`. */
  purpose: string;
  /** Called with a description of the holder when the wait begins, and again for each new holder. */
  onWait?: (holder: string) => void;
  /** Whether to wait for the holder. @default true */
  wait?: boolean;
  /** Ends the wait. */
  signal?: AbortSignal;
  /** Milliseconds between two looks at the lock file. @default 200 */
  pollMs?: number;
}

/**
 * Takes the lock at `path`; the folder must exist. Throws `ARTIFACT_LOCKED` when it is held and `wait` is false or
 * the file is no lock, `INTERRUPTED` when the signal ends the wait, `DISK_FULL` or `NOT_WRITABLE`.
 */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock> {
  let told = '';
  for (;;) {
    if (options.signal?.aborted) throw interrupted(path, told);
    const outcome = await tryAcquire(path, options.purpose);
    if ('release' in outcome) return outcome;
    const holder = describe(path, outcome);
    if (options.wait === false) throw held(path, holder);
    if (told !== holder) options.onWait?.(holder);
    told = holder;
    await sleep(options.pollMs ?? POLL_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** One attempt: the lock, or who holds it. */
async function tryAcquire(path: string, purpose: string): Promise<Lock | Holder> {
  for (;;) {
    const mine = newHolder(purpose);
    if (await createWith(path, mine, link)) return lockOf(path, mine);
    const holder = await readHolder(path);
    if (holder === null) continue;
    if (!isStale(holder)) return holder;

    const guard = await tryAcquire(`${path}.takeover-${holder.token}`, 'takeover of a stale lock');
    if (!('release' in guard)) return holder;
    try {
      const now = await readHolder(path);
      if (now?.token !== holder.token) continue;
      await createWith(path, mine, rename);
      await removeOldGuards(path);
      return lockOf(path, mine);
    } finally {
      await guard.release();
    }
  }
}

function newHolder(purpose: string): Holder {
  return {
    pid: process.pid,
    host: hostname(),
    process: processIdentity(process.pid),
    purpose,
    token: randomBytes(8).toString('hex'),
    since: new Date().toISOString(),
  };
}

/** Puts a complete lock file in place by `link` (fails where one is) or `rename` (replaces it). */
async function createWith(path: string, holder: Holder, place: typeof link): Promise<boolean> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(JSON.stringify(holder));
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw translateDiskError(error, path);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/**
 * Removes guards whose holder was killed after it had replaced the lock; while we hold it they mean nothing.
 * Temporary files stay: each belongs to a process that is about to put it in place.
 */
async function removeOldGuards(path: string): Promise<void> {
  const prefix = `${basename(path)}.takeover-`;
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix) && !name.endsWith('.tmp'))
      await rm(join(dirname(path), name), { force: true });
  }
}

/** The content of a lock file, or null where there is none. */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    return parseHolder(path, await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parseHolder(path: string, text: string): Holder {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch (error) {
    const message = `Expected ${path} to name the process that holds it, found something else. If no other run is using it, remove that file and run the same command again.`;
    throw new PipelineError('ARTIFACT_LOCKED', message, { cause: error });
  }
}

function isStale(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  if (!isRunning(holder.pid)) return true;
  const now = processIdentity(holder.pid);
  // A killed process whose parent has not yet taken note still has its number, but no identity.
  return holder.process !== null && processIdentity(process.pid) !== null && now !== holder.process;
}

function lockOf(path: string, mine: Holder): Lock {
  const isHeld = (): boolean => {
    try {
      return parseHolder(path, readFileSync(path, 'utf8')).token === mine.token;
    } catch {
      return false;
    }
  };
  const release = async (): Promise<void> => {
    if (isHeld()) await rm(path, { force: true });
  };
  return { release, isHeld };
}

function describe(path: string, holder: Holder): string {
  const isLocal = holder.host === hostname();
  const who = `process ${holder.pid} on ${isLocal ? 'this machine' : holder.host} (${holder.purpose}) since ${holder.since}`;
  return isLocal ? who : `${who}; if that process is gone, which cannot be seen from here, remove ${path}`;
}

function held(path: string, holder: string): PipelineError {
  const message = `Expected ${path} to be free, found it held by ${holder}. Let that process finish or stop it, then run the same command again.`;
  return new PipelineError('ARTIFACT_LOCKED', message);
}

function interrupted(path: string, holder: string): PipelineError {
  const what = holder === '' ? '' : `, held by ${holder}`;
  return new PipelineError(
    'INTERRUPTED',
    `Stopped while waiting for ${path}${what}. Run the same command again to go on.`,
  );
}
