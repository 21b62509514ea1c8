/**
 * Kernels of our own for TensorFlow (`stages/numerics/kernels`), compiled once per user for each kind of processor, so
 * that machines which share a cache may differ; `pipeline/engine/own-kernels.ts` chooses among them.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installOnce, logFile } from './cache.mjs';
import { TENSORFLOW_VERSION } from './engine-table.mjs';
import { SetupFailure } from './failure.mjs';
import { requireCompiler, run, tellingLine } from './programs.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

/**
 * @typedef {object} Level
 * @property {string} name
 * @property {string[]} needs features of the processor, as /proc/cpuinfo spells them
 * @property {string[]} flags of the compiler
 */

const SOURCES = fileURLToPath(new URL('../../stages/numerics/kernels/', import.meta.url));
const BUILD_BYTES = 5e6;
const FLAGS = ['-std=c++17', '-O3', '-fPIC', '-shared'];

/** @type {Level} */
const PLAIN = { name: 'plain', needs: [], flags: [] };

/** @type {Record<string, Level[]>} The fastest first. */
const LEVELS = {
  x64: [
    {
      name: 'avx512',
      needs: ['avx512f', 'avx2', 'fma'],
      flags: ['-mavx512f', '-mavx2', '-mfma', '-mprefer-vector-width=512'],
    },
    { name: 'avx2', needs: ['avx2', 'fma'], flags: ['-mavx2', '-mfma'] },
    PLAIN,
  ],
};

/**
 * What is compiled for an architecture, the fastest first; the last one runs everywhere.
 *
 * @param {string} arch as `process.arch`
 */
export function kernelLevels(arch) {
  return LEVELS[arch] ?? [PLAIN];
}

/** @param {Pick<Level, 'name'>} level */
export const kernelFile = ({ name }) => `kernels-${name}.node`;

/**
 * Name of the cache folder: the kernels depend on all of these.
 *
 * @param {Machine} machine
 */
export function kernelsName({ platform, arch }) {
  const hash = createHash('sha256').update(JSON.stringify([FLAGS, kernelLevels(arch)]));
  for (const name of readdirSync(SOURCES).sort()) hash.update(name).update(readFileSync(join(SOURCES, name)));
  const version = hash.digest('hex').slice(0, 12);
  return `engine/kernels-${version}-tensorflow-${TENSORFLOW_VERSION}-${platform}-${arch}`;
}

/**
 * @param {Machine} machine
 * @param {string} libraries folder with `lib` and `include` of TensorFlow
 * @returns {Promise<string>} the folder with a file for each level
 */
export function installKernels(machine, libraries) {
  return installOnce(machine, kernelsName(machine), BUILD_BYTES, async (folder) => {
    const compiler = requireCompiler(machine);
    machine.say('Compiling kernels ...');
    const builds = kernelLevels(machine.arch).map((level) =>
      compile(machine, compiler, libraries, level, folder),
    );
    await Promise.all(builds);
  });
}

/**
 * @param {Machine} machine
 * @param {string} compiler
 * @param {string} libraries
 * @param {Level} level
 * @param {string} folder
 */
async function compile(machine, compiler, libraries, level, folder) {
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.cc'));
  const lib = join(libraries, 'lib');
  const log = await logFile(machine, `kernels-${level.name}`);
  const { code, output } = await run(
    compiler,
    [
      ...FLAGS,
      ...level.flags,
      `-I${join(libraries, 'include')}`,
      ...sources.map((name) => join(SOURCES, name)),
      ...['-o', join(folder, kernelFile(level))],
      ...libraryNames(machine.platform).map((name) => join(lib, name)),
      `-Wl,-rpath,${lib}`,
    ],
    { env: machine.env, logFile: log },
  );
  if (code === 0) return;
  throw new SetupFailure(
    `Expected our kernels for TensorFlow to compile, ${compiler} ended with code ${code} (${tellingLine(output)}): see its whole output in ${log}.`,
  );
}

/** @param {string} platform */
function libraryNames(platform) {
  return platform === 'darwin'
    ? ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib']
    : ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
}
