/**
 * The bridge between Node and TensorFlow (`tfjs_binding.node`), compiled once per user from the sources that
 * @tensorflow/tfjs-node-gpu brings along. The build runs in a folder of its own, so that the checkout stays clean.
 */
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installOnce, logFile } from './cache.mjs';
import { NODE_API_VERSION, TENSORFLOW_VERSION } from './engine-table.mjs';
import { SetupFailure } from './failure.mjs';
import { findNodeGyp, requireCompiler, requirePython, run, tellingLine } from './programs.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

export const BINDING_FILE = 'tfjs_binding.node';

const BUILD_BYTES = 20e6;

/**
 * Name of the cache folder: the binding depends on all of these.
 *
 * @param {Machine} machine
 * @param {string} packageFolder of @tensorflow/tfjs-node-gpu
 */
export function bindingName({ platform, arch }, packageFolder) {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  return `engine/binding-tfjs-${version}-tensorflow-${TENSORFLOW_VERSION}-napi-${NODE_API_VERSION}-${platform}-${arch}`;
}

/**
 * @param {Machine} machine
 * @param {string} packageFolder of @tensorflow/tfjs-node-gpu
 * @param {string} libraries folder with `lib` and `include`
 * @returns {Promise<string>} path of the binding in the cache
 */
export async function installBinding(machine, packageFolder, libraries) {
  const name = bindingName(machine, packageFolder);
  const folder = await installOnce(machine, name, BUILD_BYTES, async (unfinished) => {
    const compiler = requireCompiler(machine);
    // node-gyp is written in Python.
    const python = await requirePython(machine);
    machine.say('Compiling the TensorFlow binding ...');
    // The build tool cannot cope with spaces in paths, which a home folder may have; the system's folder has none.
    const workshop = await mkdtemp(join(tmpdir(), 'pag-binding-'));
    try {
      await prepareWorkshop(workshop, packageFolder, libraries);
      await build(machine, workshop, compiler, python);
      await copyFile(
        join(workshop, 'lib', `napi-v${NODE_API_VERSION}`, BINDING_FILE),
        join(unfinished, BINDING_FILE),
      );
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  });
  return join(folder, BINDING_FILE);
}

/**
 * @param {string} workshop
 * @param {string} packageFolder
 * @param {string} libraries
 */
async function prepareWorkshop(workshop, packageFolder, libraries) {
  await cp(join(packageFolder, 'binding'), join(workshop, 'binding'), { recursive: true });
  await copyFile(join(packageFolder, 'binding.gyp'), join(workshop, 'binding.gyp'));
  await copyFile(join(packageFolder, 'package.json'), join(workshop, 'package.json'));
  await symlink(libraries, join(workshop, 'deps'));
}

/**
 * @param {Machine} machine
 * @param {string} workshop
 * @param {string} compiler
 * @param {string} python
 */
async function build(machine, workshop, compiler, python) {
  const preGyp = join(machine.project, 'node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp');
  const log = await logFile(machine, 'build');
  const args = [
    preGyp,
    'install',
    '--build-from-source',
    `--python=${python}`,
    ...headerArguments(machine.nodePath),
  ];
  const { code, output } = await run(machine.nodePath, args, {
    env: buildEnvironment(machine, compiler),
    cwd: workshop,
    logFile: log,
  });
  if (code === 0) return;
  throw new SetupFailure(
    `Expected the TensorFlow binding to compile, the build ended with code ${code} (${tellingLine(output)}): see its whole output in ${log}.`,
  );
}

/**
 * Node's own headers where they lie beside it; node-gyp downloads them otherwise.
 *
 * @param {string} nodePath
 */
function headerArguments(nodePath) {
  const prefix = dirname(dirname(nodePath));
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

/**
 * @param {Machine} machine
 * @param {string} compiler
 * @returns {NodeJS.ProcessEnv}
 */
function buildEnvironment(machine, compiler) {
  const nodeGyp = findNodeGyp(machine);
  return {
    ...machine.env,
    CXX: compiler,
    ...(nodeGyp ? { npm_config_node_gyp: nodeGyp } : {}),
    // The package's build sets a run path on Linux only, and renames libraries that its macOS wheels never had.
    ...(machine.platform === 'darwin' ? { LDFLAGS: '-Wl,-rpath,@loader_path/../../deps/lib' } : {}),
  };
}
