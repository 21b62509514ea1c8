/** The programs that the set-up needs, and the sentence that the user sees where one is missing. */
import { spawn } from 'node:child_process';
import { accessSync, constants, createWriteStream, existsSync, realpathSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { SetupFailure } from './failure.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

export const OLDEST_NODE = 20;

/**
 * Path of the first of these programs that the PATH leads to (an absolute path stands for itself), or null.
 *
 * @param {string[]} names
 * @param {NodeJS.ProcessEnv} env
 */
export function findProgram(names, env) {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    if (isAbsolute(name) && isExecutableFile(name)) return name;
    const found = folders.map((folder) => join(folder, name)).find(isExecutableFile);
    if (found) return found;
  }
  return null;
}

/** @param {string} file */
function isExecutableFile(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs a program to its end. Its output goes to `logFile`, where one is named, which stays only if the program
 * fails; the last 16 kB come back.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ env: NodeJS.ProcessEnv, cwd?: string, logFile?: string }} options
 * @returns {Promise<{ code: number, output: string }>} code 127 where the program could not be started
 */
export async function run(program, args, { env, cwd, logFile }) {
  const log = logFile ? createWriteStream(logFile, { flags: 'a' }) : null;
  // On a full disk the program's own words matter more than the file.
  log?.on('error', ignore);
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (/** @type {Buffer} */ chunk) => {
      log?.write(chunk);
      output = (output + chunk.toString()).slice(-16_384);
    });
  }
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve(127);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
  if (log) await finished(log.end()).catch(ignore);
  if (logFile && code === 0) await rm(logFile, { force: true });
  return { code, output };
}

function ignore() {}

/**
 * The line of a program's output that says most about its failure: the first that names an error, else the last.
 *
 * @param {string} output
 */
export function tellingLine(output) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((text) => /error|expected|no space/i.test(text)) ?? lines.at(-1) ?? 'no output';
  return line.length > 200 ? `${line.slice(0, 200)} ...` : line;
}

/** @param {Machine} machine */
export function requireNode({ nodeVersion }) {
  if (Number.parseInt(nodeVersion, 10) >= OLDEST_NODE) return;
  throw new SetupFailure(
    `Expected Node.js ${OLDEST_NODE} or newer, found ${nodeVersion}: install a newer one from https://nodejs.org.`,
  );
}

/**
 * The command that runs npm: the npm that started us, else the one on the PATH.
 *
 * @param {Machine} machine
 * @returns {string[]} program and first arguments
 */
export function requireNpm({ env, nodePath }) {
  const ours = env.npm_execpath;
  if (ours && basename(ours) === 'npm-cli.js' && existsSync(ours)) return [nodePath, ours];
  const found = findProgram(['npm'], env);
  if (found) return [found];
  throw new SetupFailure(
    'Expected the program `npm` on the PATH, found none: install it (it comes with Node.js from https://nodejs.org; Debian and Ubuntu: `apt install npm`).',
  );
}

/**
 * node-gyp as it comes with npm, or null where this npm has none.
 *
 * @param {Machine} machine
 */
export function findNodeGyp(machine) {
  const npm = /** @type {string} */ (requireNpm(machine).at(-1));
  const nodeGyp = join(realpathSync(npm), '../../node_modules/node-gyp/bin/node-gyp.js');
  return existsSync(nodeGyp) ? nodeGyp : null;
}

/**
 * Path of a Python 3 that has pip.
 *
 * @param {Machine} machine
 */
export async function requirePython({ env }) {
  const python = findProgram(['python3'], env);
  if (!python) {
    throw new SetupFailure(
      'Expected the program `python3` on the PATH, found none: install Python 3 with pip (Debian and Ubuntu: `apt install python3 python3-pip`; Fedora: `dnf install python3 python3-pip`; macOS: `xcode-select --install`).',
    );
  }
  const { code } = await run(python, ['-c', 'import pip'], { env });
  if (code === 0) return python;
  throw new SetupFailure(
    `Expected Python's pip, but ${python} has none: install it (Debian and Ubuntu: \`apt install python3-pip\`; Fedora: \`dnf install python3-pip\`; elsewhere: \`python3 -m ensurepip --user\`).`,
  );
}

/**
 * Path of a C++ compiler; `make` must be there too.
 *
 * @param {Machine} machine
 */
export function requireCompiler({ env }) {
  const compiler = findProgram([...(env.CXX ? [env.CXX] : []), 'g++', 'c++', 'clang++'], env);
  const make = findProgram(['make'], env);
  if (compiler && make) return compiler;
  const missing = [
    ...(compiler ? [] : ['a C++ compiler (`g++`, `c++` or `clang++`)']),
    ...(make ? [] : ['`make`']),
  ];
  throw new SetupFailure(
    `Expected a C++ compiler and \`make\` on the PATH to build the TensorFlow binding, did not find ${missing.join(' and ')}: install them (Debian and Ubuntu: \`apt install g++ make\`; Fedora: \`dnf install gcc-c++ make\`; macOS: \`xcode-select --install\`).`,
  );
}
