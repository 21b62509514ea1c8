/** A checksum of a model folder, which goes into the keys of what is trained from it: exchanged weights are noticed. */
import { join, resolve } from 'node:path';
import { PipelineError } from '../schemas/errors.ts';
import { sha256, sha256File } from './content-hash.ts';
import { DESCRIPTION_FILE, WEIGHTS_FILE } from './model-files.ts';

const DIGITS = 16;

/** 16 hexadecimal digits over both files. Throws `NOT_FOUND` where one is missing. */
export async function modelFingerprint(directory: string): Promise<string> {
  const sums: string[] = [];
  for (const name of [DESCRIPTION_FILE, WEIGHTS_FILE]) {
    sums.push(await sha256File(join(directory, name)).catch((error) => explain(error, directory, name)));
  }
  return sha256(sums.join('\n')).slice(0, DIGITS);
}

/**
 * The folder of a model that a setting names, once it is seen to be the one that the run was planned with.
 *
 * @param path relative to the working directory
 * @param planned its checksum then; undefined where none was taken
 * @throws PipelineError `DATA_DAMAGED` where it has changed since, and what {@link modelFingerprint} throws
 */
export async function plannedModel(path: string, planned: string | undefined): Promise<string> {
  const directory = resolve(path);
  const found = await modelFingerprint(directory);
  if (planned === undefined || found === planned) return directory;
  throw new PipelineError(
    'DATA_DAMAGED',
    `Expected the model in ${directory} to be as it was when this run was planned (checksum ${planned}), found ` +
      `${found}; run the same command again, which plans with the model as it is now.`,
  );
}

function explain(error: NodeJS.ErrnoException, directory: string, name: string): never {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  throw new PipelineError(
    'NOT_FOUND',
    `Expected a model (${DESCRIPTION_FILE} and ${WEIGHTS_FILE}) in ${directory}, found no ${name} there; check the path.`,
    { cause: error },
  );
}
