/** Brings kernels of our own into TensorFlow, once it is loaded. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import { announceOwnKernels } from '../../stages/numerics/tensor/own-kernels.ts';
import { kernelFile, kernelLevels } from '../setup/kernels.mjs';

const require = createRequire(import.meta.url);

/**
 * Loads what was compiled for this processor, and says what that is, e.g. `avx512`.
 *
 * @param folder with a file for each kind of processor
 * @param features of this processor
 * @throws PipelineError `ENGINE_MISSING` where they are not installed
 */
export function loadOwnKernels(folder: string, features: readonly string[]): string {
  const level = kernelLevels(process.arch).find(({ needs }) =>
    needs.every((name) => features.includes(name)),
  )!;
  const path = join(folder, kernelFile(level));
  if (!existsSync(path)) {
    throw new PipelineError(
      'ENGINE_MISSING',
      `Expected kernels for TensorFlow in ${path}, found none: run \`npm start\`, which compiles them.`,
    );
  }
  require(path);
  announceOwnKernels();
  return level.name;
}
