/** What the set-up has to know about this machine, gathered once, so that every step takes it as an argument. */
import { homedir, hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Machine
 * @property {NodeJS.ProcessEnv} env environment of every program that is started
 * @property {string} platform as `process.platform`
 * @property {string} arch as `process.arch`
 * @property {'glibc' | 'musl' | 'other'} libc the C library; `other` beside Linux
 * @property {string} host name of the machine; a cache may be shared by several
 * @property {string} nodeVersion without the leading v
 * @property {string} nodePath the running Node
 * @property {string} project folder of package.json
 * @property {string} cache folder that checkouts of one user share
 * @property {(line: string) => void} say shows one line to the user
 */

/**
 * The machine this process runs on. Lines for the user go to stderr, so that stdout stays free for results.
 *
 * @param {Partial<Machine>} overrides
 * @returns {Machine}
 */
export function thisMachine(overrides = {}) {
  const env = overrides.env ?? process.env;
  return {
    env,
    platform: process.platform,
    arch: process.arch,
    libc: cLibrary(),
    host: hostname(),
    nodeVersion: process.versions.node,
    nodePath: process.execPath,
    project: resolve(dirname(fileURLToPath(import.meta.url)), '../..'),
    cache: cacheDirectory(env),
    say: (line) => process.stderr.write(`${line}\n`),
    ...overrides,
  };
}

/**
 * `$XDG_CACHE_HOME/pag-pipeline`, or `~/.cache/pag-pipeline` where that is not set.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function cacheDirectory(env) {
  const base = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  return resolve(base, 'pag-pipeline');
}

/** @returns {Machine['libc']} */
function cLibrary() {
  if (process.platform !== 'linux') return 'other';
  // Listing network interfaces can be slow, and is not needed here.
  Object.assign(process.report, { excludeNetwork: true });
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime ? 'glibc' : 'musl';
}
