/** A machine whose cache, project and PATH lie in a temporary folder; nothing of the real user is touched. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Machine, thisMachine } from '../../../pipeline/setup/machine.mjs';

/** A folder that disappears with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pag-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Mounts a small disk, or returns null where that is not allowed. */
export function mountTmpfs(options: string): string | null {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

/** The real machine with an empty cache; `lines` collects what the user would see. */
export function machineForTests(overrides: Partial<Machine> = {}): Machine & { lines: string[] } {
  const lines: string[] = [];
  const machine = thisMachine({
    cache: join(temporaryFolder(), 'cache'),
    say: (line) => lines.push(line),
    ...overrides,
  });
  return { ...machine, lines };
}

/** The real environment with some variables changed; undefined removes one. */
export function environment(changes: Record<string, string | undefined>): NodeJS.ProcessEnv {
  const env = { ...process.env, ...changes };
  for (const [name, value] of Object.entries(changes)) if (value === undefined) delete env[name];
  return env;
}
