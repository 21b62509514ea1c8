/** A checksum of a model folder, which goes into the keys of what is trained from it: exchanged weights are noticed. */
import { join } from 'node:path';
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

function explain(error: NodeJS.ErrnoException, directory: string, name: string): never {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  throw new PipelineError(
    'NOT_FOUND',
    `Expected a model (${DESCRIPTION_FILE} and ${WEIGHTS_FILE}) in ${directory}, found no ${name} there; check the path.`,
    { cause: error },
  );
}
