/** A Python with PyTorch: the one that is named, or one whose packages lie in the user's cache. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce } from '../pipeline/setup/cache.mjs';
import { SetupFailure } from '../pipeline/setup/failure.mjs';
import { thisMachine } from '../pipeline/setup/machine.mjs';
import { requirePython } from '../pipeline/setup/programs.mjs';
import { pipInstall } from '../pipeline/setup/python-packages.mjs';

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
    await installOnce(machine, CACHED, NEEDED_BYTES, (folder) => {
      machine.say('Installing PyTorch ...');
      return pipInstall(machine, program, folder, PACKAGES, 'torch');
    });
  }
  return check(program, { ...machine.env, PYTHONPATH: packages });
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
