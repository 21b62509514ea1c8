/** A disk that is soon full or read-only: a tmpfs mounted for one test. Needs root, as in most containers. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0;

/** Whether this user may mount; tests that need it skip otherwise and say why in their name. */
export const MAY_MOUNT = tryToMount();
export const NEEDS_MOUNT = MAY_MOUNT ? '' : ' (skipped: this user may not mount a tmpfs)';

function tryToMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'pag-disk-'));
  const isMounted = mount('-t', 'tmpfs', '-o', 'size=64k', 'none', folder);
  if (isMounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return isMounted;
}

/** Mounts an empty tmpfs of so many KiB; unmounted when the test ends. Returns its folder. */
export function smallDisk(kib: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'pag-disk-'));
  mount('-t', 'tmpfs', '-o', `size=${kib}k`, 'none', folder);
  onTestFinished(() => {
    spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Makes a disk of {@link smallDisk} read-only, for root too. */
export function makeReadOnly(folder: string): void {
  mount('-o', 'remount,ro', folder);
}
