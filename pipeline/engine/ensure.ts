/** Installs the tensor engine on demand, for those who came by `npm install` and never ran `npm start`. */
import { PipelineError } from '../../schemas/errors.ts';
import { engineIsInstalled, enginePaths, installEngine } from '../setup/engine.mjs';
import { SetupFailure } from '../setup/failure.mjs';
import { type Machine, thisMachine } from '../setup/machine.mjs';

/**
 * Makes sure that worker processes will find the engine; takes milliseconds where it is installed.
 *
 * @param onLine receives each line about what is being downloaded, unpacked and compiled
 * @param machine for tests
 * @throws PipelineError `ENGINE_MISSING` where the npm packages or a wheel for this platform are missing,
 *   `SETUP_FAILED` where an installation step failed
 */
export async function ensureEngine(
  onLine: (line: string) => void,
  machine: Machine = thisMachine(),
): Promise<void> {
  if (await isInstalled(machine)) return;
  await translated('SETUP_FAILED', () => installEngine({ ...machine, say: onLine }));
}

function isInstalled(machine: Machine): Promise<boolean> {
  return translated('ENGINE_MISSING', async () => engineIsInstalled(enginePaths(machine)));
}

async function translated<T>(code: 'ENGINE_MISSING' | 'SETUP_FAILED', step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    throw new PipelineError(code, error.message, { cause: error });
  }
}
