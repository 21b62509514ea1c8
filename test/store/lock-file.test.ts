import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { acquireLock, type Lock } from '../../store/lock-file.ts';
import { processIdentity } from '../../store/process-identity.ts';
import { MAY_MOUNT, makeReadOnly, NEEDS_MOUNT, smallDisk } from './support/small-disk.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const WORKER = new URL('./support/lock-worker.ts', import.meta.url).pathname;
const SINCE = '2020-02-03T04:05:06.789Z';

function worker(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', WORKER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Writes a lock file as another process would have; by default that process is this one and so alive. */
async function forgeLock(path: string, changes: Record<string, unknown> = {}): Promise<void> {
  const holder = {
    pid: process.pid,
    host: hostname(),
    process: processIdentity(process.pid),
    purpose: 'run of train',
    token: 'aa',
    since: SINCE,
  };
  await writeFile(path, JSON.stringify({ ...holder, ...changes }));
}

const newLockPath = async (): Promise<string> => join(await temporaryFolder(), 'train.lock');
const now = { purpose: 'test', wait: false };

describe('one process', () => {
  test('takes the lock, sees that it holds it, and gives it back', async () => {
    const path = await newLockPath();
    const lock = await acquireLock(path, now);
    expect(lock.isHeld()).toBe(true);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      pid: process.pid,
      host: hostname(),
      purpose: 'test',
    });
    await lock.release();
    expect(lock.isHeld()).toBe(false);
    expect(await readdir(join(path, '..'))).toEqual([]);
  });

  test('does not remove a lock that somebody has replaced', async () => {
    const path = await newLockPath();
    const lock = await acquireLock(path, now);
    await rm(path);
    const second = await acquireLock(path, now);
    expect(lock.isHeld()).toBe(false);
    await lock.release();
    expect(second.isHeld()).toBe(true);
  });

  test('cannot take the same lock twice, also at the same moment', async () => {
    const path = await newLockPath();
    const tries = Array.from({ length: 10 }, () => acquireLock(path, now).catch(() => null));
    const locks = (await Promise.all(tries)).filter((lock): lock is Lock => lock !== null);
    expect(locks.length).toBe(1);
  });
});

describe('a lock that is held', () => {
  test('is refused at once where waiting is not wanted, with its holder', async () => {
    const path = await newLockPath();
    await forgeLock(path);
    expect(await thrownBy(acquireLock(path, now))).toEqual({
      code: 'ARTIFACT_LOCKED',
      message: `Expected ${path} to be free, found it held by process ${process.pid} on this machine (run of train) since ${SINCE}. Let that process finish or stop it, then run the same command again.`,
    });
  });

  test('is waited for, and the holder is told once', async () => {
    const path = await newLockPath();
    const first = await acquireLock(path, { purpose: 'first' });
    const told: string[] = [];
    const waiting = acquireLock(path, {
      purpose: 'second',
      pollMs: 5,
      onWait: (holder) => told.push(holder),
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(told).toEqual([
      expect.stringMatching(`^process ${process.pid} on this machine \\(first\\) since 20.*Z$`),
    ]);
    await first.release();
    expect((await waiting).isHeld()).toBe(true);
  });

  test('the wait ends when the user stops', async () => {
    const path = await newLockPath();
    await forgeLock(path);
    const stop = new AbortController();
    const waiting = acquireLock(path, {
      purpose: 'test',
      signal: stop.signal,
      pollMs: 60_000,
      onWait: () => stop.abort(),
    });
    expect(await thrownBy(waiting)).toEqual({
      code: 'INTERRUPTED',
      message: `Stopped while waiting for ${path}, held by process ${process.pid} on this machine (run of train) since ${SINCE}. Run the same command again to go on.`,
    });
    expect(await thrownBy(acquireLock(path, { purpose: 'test', signal: stop.signal }))).toEqual({
      code: 'INTERRUPTED',
      message: `Stopped while waiting for ${path}. Run the same command again to go on.`,
    });
  });

  test('by a process of another host is believed alive, and the message says how to remove it', async () => {
    const path = await newLockPath();
    await forgeLock(path, { pid: 99_999_999, host: 'elsewhere' });
    expect(await thrownBy(acquireLock(path, now))).toEqual({
      code: 'ARTIFACT_LOCKED',
      message: `Expected ${path} to be free, found it held by process 99999999 on elsewhere (run of train) since ${SINCE}; if that process is gone, which cannot be seen from here, remove ${path}. Let that process finish or stop it, then run the same command again.`,
    });
  });

  test('by something that is no lock is left alone and named', async () => {
    const path = await newLockPath();
    for (const text of ['', 'mine!', '{"pid": 1}']) {
      await writeFile(path, text);
      expect(await thrownBy(acquireLock(path, { purpose: 'test' }))).toEqual({
        code: 'ARTIFACT_LOCKED',
        message: `Expected ${path} to name the process that holds it, found something else. If no other run is using it, remove that file and run the same command again.`,
      });
    }
  });
});

describe('a stale lock is taken over', () => {
  test('when its process was killed', async () => {
    const path = await newLockPath();
    const child = worker('hold', path);
    await once(child.stdout!, 'data');
    expect((await thrownBy(acquireLock(path, now))).message).toContain(
      `held by process ${child.pid} on this machine (test of holding)`,
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await acquireLock(path, now);
    expect(lock.isHeld()).toBe(true);
    await lock.release();
    expect(await readdir(join(path, '..'))).toEqual([]);
  });

  test.skipIf(processIdentity(process.pid) === null)(
    'when its number belongs to another process now',
    async () => {
      const [boot, ticks] = processIdentity(process.pid)!.split('/');
      for (const identity of [
        `${boot}/${Number(ticks) - 1}`,
        `00000000-0000-0000-0000-000000000000/${ticks}`,
      ]) {
        const path = await newLockPath();
        await forgeLock(path, { process: identity });
        expect((await acquireLock(path, now)).isHeld()).toBe(true);
      }
    },
  );

  test('when the one that was taking it over was killed too', async () => {
    const path = await newLockPath();
    await forgeLock(path, { pid: 99_999_999, token: 'aa' });
    await forgeLock(`${path}.takeover-aa`, { pid: 99_999_998, token: 'bb' });
    await forgeLock(`${path}.takeover-aa.takeover-bb`, { pid: 99_999_997, token: 'cc' });
    const lock = await acquireLock(path, now);
    expect(lock.isHeld()).toBe(true);
    expect(await readdir(join(path, '..'))).toEqual(['train.lock']);
  });

  test('but not while a living process is taking it over', async () => {
    const path = await newLockPath();
    await forgeLock(path, { pid: 99_999_999, token: 'aa' });
    await forgeLock(`${path}.takeover-aa`, { token: 'bb' });
    expect((await thrownBy(acquireLock(path, now))).code).toBe('ARTIFACT_LOCKED');
    await rm(`${path}.takeover-aa`);
    expect((await acquireLock(path, now)).isHeld()).toBe(true);
  });

  test('by one only of many that see it at the same moment', async () => {
    const path = await newLockPath();
    for (let round = 0; round < 20; round++) {
      await forgeLock(path, { pid: 99_999_999, token: `t${round}` });
      const tries = Array.from({ length: 8 }, () => acquireLock(path, now).catch(() => null));
      const locks = (await Promise.all(tries)).filter((lock): lock is Lock => lock !== null);
      expect(locks.map((lock) => lock.isHeld())).toEqual([true]);
      await locks[0]!.release();
    }
    expect(await readdir(join(path, '..'))).toEqual([]);
  });
});

test('8 processes, 4 of which are killed inside the lock, lose no count', async () => {
  const path = await newLockPath();
  const counter = join(path, '..', 'counter');
  await writeFile(counter, '0');
  const children = Array.from({ length: 8 }, (_, i) =>
    worker('count', path, counter, '20', String(i < 4 ? 3 + 4 * i : -1)),
  );
  const ends = await Promise.all(children.map((child) => once(child, 'exit')));
  expect(ends.filter(([, signal]) => signal === 'SIGKILL').length).toBe(4);
  expect(ends.filter(([code]) => code === 0).length).toBe(4);
  // Rounds 0 to 3, 7, 11 and 15 of the killed ones, 20 of each of the others.
  expect(await readFile(counter, 'utf8')).toBe(String(4 + 8 + 12 + 16 + 4 * 20));
}, 60_000);

test.skipIf(!MAY_MOUNT)(`on a read-only disk the lock is refused in plain words${NEEDS_MOUNT}`, async () => {
  const path = join(smallDisk(64), 'train.lock');
  makeReadOnly(join(path, '..'));
  expect(await thrownBy(acquireLock(path, now))).toEqual({
    code: 'NOT_WRITABLE',
    message: `Expected to be allowed to write ${path}, found that the file system is read-only (EROFS). Make its folder writable or choose another one (--runs DIR, --data DIR), then run the same command again.`,
  });
});
