/** What `npm start` and `npm test` share: the set-up, child programs with their signals, and how failures end. */
import { spawn } from 'node:child_process';
import { installEngine } from './engine.mjs';
import { chooseEngine } from './engine-table.mjs';
import { SetupFailure } from './failure.mjs';
import { installNpmPackages } from './npm-packages.mjs';
import { requireNode } from './programs.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

/**
 * Installs whatever this checkout needs and does not have.
 *
 * @param {Machine} machine
 */
export async function setUp(machine) {
  requireNode(machine);
  // Before anything is downloaded: whether there is an engine for this platform at all.
  chooseEngine(machine);
  await installNpmPackages(machine);
  await installEngine(machine);
}

/**
 * Runs a Node program in the project with our terminal.
 *
 * @param {Machine} machine
 * @param {string[]} args script and its arguments
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cwd
 * @returns {Promise<number>} its exit code; 128 + n where signal n ended it
 */
export async function runNode(machine, args, env = machine.env, cwd = machine.project) {
  const child = spawn(machine.nodePath, args, { cwd, env, stdio: 'inherit' });
  const stopForwarding = forwardSignals(child);
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve(status ?? 128 + signalNumber(signal)));
  });
  stopForwarding();
  return code;
}

/**
 * Passes signals on to the child and stays alive until it has ended. Ctrl-C in a terminal reaches the child without
 * us; sent on, it would arrive twice, which means `stop at once` to many programs.
 *
 * @param {import('node:child_process').ChildProcess} child
 */
function forwardSignals(child) {
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const handlers = signals.map((signal) => {
    const handler = () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => handlers.forEach((off) => void off());
}

/** @param {NodeJS.Signals | null} signal */
function signalNumber(signal) {
  return { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }[/** @type {string} */ (signal)] ?? 0;
}

/**
 * Sets the exit code from `main`. A failed set-up ends with its sentence; anything else is a fault and keeps its stack.
 *
 * @param {() => Promise<number>} main
 */
export async function finish(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
