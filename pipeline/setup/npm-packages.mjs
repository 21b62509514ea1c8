/** The npm packages of package-lock.json: installed when they are absent or are not those of the lock file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { logFile } from './cache.mjs';
import { SetupFailure } from './failure.mjs';
import { requireNpm, run, tellingLine } from './programs.mjs';

/**
 * @typedef {import('./machine.mjs').Machine} Machine
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage
 */

/**
 * Runs `npm install --no-save`, which keeps to the lock file and leaves it as it is. `npm ci` would do the same, but
 * refuses a lock file that lacks optional packages for other platforms, as npm writes it where it cannot fetch them.
 *
 * @param {Machine} machine
 */
export async function installNpmPackages(machine) {
  if (npmPackagesMatch(machine.project)) return;
  const [program, ...args] = requireNpm(machine);
  machine.say('Installing npm packages ...');
  const log = await logFile(machine, 'npm');
  const { code, output } = await run(
    /** @type {string} */ (program),
    [...args, 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { env: machine.env, cwd: machine.project, logFile: log },
  );
  if (code === 0) return;
  throw new SetupFailure(
    `Expected npm to install the packages of package-lock.json, it ended with code ${code} (${tellingLine(output)}): check the network and npm's registry setting, then run the command again; its whole output is in ${log}.`,
  );
}

/**
 * Whether node_modules holds what package-lock.json names. Optional packages may be absent: most are for other
 * platforms. npm writes node_modules/.package-lock.json last, so an interrupted installation does not match.
 *
 * @param {string} project
 */
export function npmPackagesMatch(project) {
  const wanted = readLock(join(project, 'package-lock.json'));
  const installed = readLock(join(project, 'node_modules/.package-lock.json'));
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link) return true;
    const found = installed[path];
    if (!found) return entry.optional === true;
    const same = found.version === entry.version && found.integrity === entry.integrity;
    return same && existsSync(join(project, path));
  });
}

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage> | null}
 */
function readLock(file) {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}
