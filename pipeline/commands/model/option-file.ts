/** Files that options of `pipeline model import` name, and how a wrong option is refused. */
import { existsSync, readFileSync } from 'node:fs';
import { PipelineError } from '../../../schemas/errors.ts';

/**
 * @param forms what else the option takes, in words
 * @returns the text of the file; anything else is `NOT_FOUND`
 */
export function readOptionFile(option: string, path: string, forms: string): string {
  if (!existsSync(path)) {
    throw new PipelineError(
      'NOT_FOUND',
      `Expected ${option} as ${forms}, found no file ${path}; check the path.`,
    );
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PipelineError(
      'NOT_FOUND',
      `Expected to read the file ${path} for ${option}, found that it cannot be read (${code}); check that it is a file and that you may read it.`,
      { cause: error },
    );
  }
}

export function usage(sentence: string): PipelineError {
  return new PipelineError('USAGE', `${sentence} \`pipeline model import --help\` explains the options.`);
}
