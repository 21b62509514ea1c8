/** Names of data sets on the command line, and the folder in which they are. */
import { resolve } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { PipelineError } from '../../../schemas/errors.ts';
import type { DatasetEntry } from '../../../store/datasets/catalogue-entry.ts';

/** Columns for the name of a data set, of which the longest has 19 letters. */
export const LABEL = 20;

/** As `findDataDirectory`, for commands that make it where it is not there. */
export function dataDirectoryToMake(option: string | undefined, environment: NodeJS.ProcessEnv): string {
  return resolve(option ?? (environment.PAG_DATA || 'data'));
}

/** The entries with these names; throws `USAGE` with the nearest name for any other. */
export function entriesOf(
  names: readonly string[],
  catalogue: readonly DatasetEntry[],
): readonly DatasetEntry[] {
  const known = catalogue.map(({ name }): string => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new PipelineError(
      'USAGE',
      `Expected the name of a data set, got "${unknown}"; did you mean ${closest(unknown, known)}? \`pipeline data list\` lists them.`,
    );
  }
  return [...new Set(names)].map((name) => catalogue.find((entry) => entry.name === name)!);
}

export function usage(sentence: string, action: string): PipelineError {
  return new PipelineError('USAGE', `${sentence} \`pipeline data ${action} --help\` explains it.`);
}
