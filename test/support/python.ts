/** Runs real Python programs, so that tests can read our files with the tools that users read them with. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { thisMachine } from '../../pipeline/setup/machine.mjs';
import { findProgram } from '../../pipeline/setup/programs.mjs';
import { pythonPackagesName } from '../../pipeline/setup/python-packages.mjs';

/**
 * Runs a script with pyarrow, duckdb, tensorboard and safetensors at hand.
 *
 * @param script Python source
 * @param args `sys.argv[1:]`
 * @returns what it printed
 */
export function python(script: string, args: string[]): string {
  const machine = thisMachine();
  const program = findProgram(['python3'], machine.env);
  const packages = program && join(machine.cache, pythonPackagesName(machine, program));
  if (!packages || !existsSync(packages)) {
    throw new Error(
      'The Python packages that this test reads our files with are not installed: run `npm test` once.',
    );
  }
  return execFileSync(program, ['-c', script, ...args], {
    env: { ...machine.env, PYTHONPATH: packages },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
}
