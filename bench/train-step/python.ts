/** A Python with PyTorch: the one that is named, or one whose packages lie in the user's cache. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce, logFile } from '../../pipeline/setup/cache.mjs';
import { SetupFailure } from '../../pipeline/setup/failure.mjs';
import { type Machine, thisMachine } from '../../pipeline/setup/machine.mjs';
import { requirePython, run, tellingLine } from '../../pipeline/setup/programs.mjs';

const PACKAGES = ['torch', 'numpy', 'safetensors'];
/** With the libraries for graphics processors that the usual package brings along. */
const NEEDED_BYTES = 12e9;
const CACHED = 'bench/torch';

export interface Python {
  program: string;
  env: NodeJS.ProcessEnv;
  /** Of PyTorch. */
  version: string;
}

/**
 * @param named a Python that has PyTorch; from the cache if left out
 * @param install whether to fill the cache where it is empty
 */
export async function findPython(named: string | undefined, install: boolean): Promise<Python> {
  const machine = thisMachine();
  if (named !== undefined) return check(named, machine.env);
  const program = await requirePython(machine);
  const packages = join(machine.cache, CACHED);
  if (!existsSync(packages)) {
    if (!install) {
      throw new SetupFailure(
        'Expected a Python with PyTorch to compare with, found none: name one with PAG_BENCH_PYTHON or --python (it needs torch, numpy and safetensors), or add --install to put them into the cache with pip (up to 12 GB while it works).',
      );
    }
    await installOnce(machine, CACHED, NEEDED_BYTES, (folder) => fill(machine, program, folder));
  }
  return check(program, { ...machine.env, PYTHONPATH: packages });
}

async function fill(machine: Machine, program: string, folder: string): Promise<void> {
  machine.say('Installing PyTorch ...');
  const log = await logFile(machine, 'torch');
  const args = [
    '-m',
    'pip',
    'install',
    '--no-cache-dir',
    '--only-binary=:all:',
    '--no-input',
    '--target',
    folder,
  ];
  const { code, output } = await run(program, [...args, ...PACKAGES], { env: machine.env, logFile: log });
  if (code === 0) return;
  throw new SetupFailure(
    `Expected pip to install ${PACKAGES.join(', ')}, it ended with code ${code} (${tellingLine(output)}): check the network and pip's index setting, then run the command again; its whole output is in ${log}.`,
  );
}

function check(program: string, env: NodeJS.ProcessEnv): Python {
  const script = 'import torch, numpy, safetensors.torch; print(torch.__version__)';
  try {
    const version = execFileSync(program, ['-c', script], { env, encoding: 'utf8', stdio: 'pipe' }).trim();
    return { program, env, version };
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? (error as Error).message;
    throw new SetupFailure(
      `Expected ${program} to import torch, numpy and safetensors, it could not (${said}): name another Python with PAG_BENCH_PYTHON or --python.`,
    );
  }
}
