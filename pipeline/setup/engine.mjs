/**
 * The tensor engine: TensorFlow's libraries, the binding and kernels of our own come from the per-user cache; a checkout
 * holds links to the libraries and the kernels and one copy of the binding, the libraries and the binding in the places
 * where @tensorflow/tfjs-node-gpu looks for them.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BINDING_FILE, bindingName, installBinding } from './binding.mjs';
import { chooseEngine, NODE_API_VERSION } from './engine-table.mjs';
import { SetupFailure } from './failure.mjs';
import { installKernels, kernelsName } from './kernels.mjs';
import { installLibraries } from './libraries.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

/** In the npm package's folder of what was built for it. */
export const KERNEL_LINK = 'pag-kernels';

/**
 * Where everything of the engine lies or will lie.
 *
 * @param {Machine} machine
 */
export function enginePaths(machine) {
  const engine = chooseEngine(machine);
  const packageFolder = join(machine.project, 'node_modules/@tensorflow/tfjs-node-gpu');
  if (!existsSync(join(packageFolder, 'package.json'))) {
    throw new SetupFailure(
      `Expected the npm package @tensorflow/tfjs-node-gpu in ${packageFolder}, found none: run \`npm install\` in ${machine.project}.`,
    );
  }
  return {
    engine,
    packageFolder,
    libraries: join(machine.cache, 'engine', engine.name),
    binding: join(machine.cache, bindingName(machine, packageFolder), BINDING_FILE),
    kernels: join(machine.cache, kernelsName(machine)),
    libraryLink: join(packageFolder, 'deps'),
    kernelLink: join(packageFolder, 'lib', KERNEL_LINK),
    bindingCopy: join(packageFolder, 'lib', `napi-v${NODE_API_VERSION}`, BINDING_FILE),
  };
}

/**
 * Whether this checkout's engine is the one that is asked for, complete.
 *
 * @param {ReturnType<typeof enginePaths>} paths
 */
export function engineIsInstalled(paths) {
  const { libraries, binding, kernels, libraryLink, bindingCopy, kernelLink } = paths;
  const needed = [libraries, binding, kernels, libraryLink, bindingCopy, kernelLink];
  if (!needed.every((path) => existsSync(path))) return false;
  return (
    realpathSync(libraryLink) === realpathSync(libraries) &&
    realpathSync(kernelLink) === realpathSync(kernels) &&
    readFileSync(bindingCopy).equals(readFileSync(binding))
  );
}

/**
 * Installs what is missing of the engine; does nothing, in milliseconds, where all is there.
 *
 * @param {Machine} machine
 */
export async function installEngine(machine) {
  const paths = enginePaths(machine);
  if (engineIsInstalled(paths)) return;
  const libraries = await installLibraries(machine, paths.engine);
  const binding = await installBinding(machine, paths.packageFolder, libraries);
  const kernels = await installKernels(machine, libraries);
  await replace(paths.libraryLink, (path) => symlink(libraries, path));
  await replace(paths.kernelLink, (path) => symlink(kernels, path));
  await replace(paths.bindingCopy, (path) => copyFile(binding, path));
}

/**
 * Makes a link or file beside its place and renames it, so that no process ever finds half of it.
 *
 * @param {string} target
 * @param {(path: string) => Promise<void>} make
 */
async function replace(target, make) {
  const fresh = `${target}.${randomBytes(4).toString('hex')}.tmp`;
  await mkdir(dirname(target), { recursive: true });
  await make(fresh);
  await rename(fresh, target).catch(async () => {
    // A folder stands there (an engine installed by hand); a link cannot be renamed over it.
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
  });
}
