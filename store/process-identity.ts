/**
 * Which process a process number stands for. Numbers are used again after a crash or a reboot, so a number alone
 * does not tell whether the process that left a file behind is still there.
 */
import { readFileSync } from 'node:fs';

/** Linux reports times in /proc in hundredths of a second on every architecture (USER_HZ). */
const TICKS_PER_SEC = 100;
/** Position of the start time in /proc/PID/stat, counted from the field after the command's name. */
const START_FIELD = 22 - 3;

/** Whether some process has this number. One that belongs to another user counts. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * `<boot id>/<ticks from boot to start>` of the process with this number: equal for no two processes of a host.
 * Null where there is no such process or no /proc; a process that has ended but was not yet waited for is gone.
 */
export function processIdentity(pid: number): string | null {
  const ticks = startTicks(pid);
  const boot = readText('/proc/sys/kernel/random/boot_id');
  return ticks === null || boot === null ? null : `${boot.trim()}/${ticks}`;
}

/** When the process with this number started, in milliseconds since 1970 (to about a second), or null. */
export function processStartMs(pid: number): number | null {
  const ticks = startTicks(pid);
  const bootSec = /^btime (\d+)$/m.exec(readText('/proc/stat') ?? '')?.[1];
  return ticks === null || bootSec === undefined
    ? null
    : (Number(bootSec) + Number(ticks) / TICKS_PER_SEC) * 1000;
}

function startTicks(pid: number): string | null {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The command's name stands in brackets and may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const hasEnded = fields[0] === 'Z' || fields[0] === 'X';
  return hasEnded ? null : (fields[START_FIELD] ?? null);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
