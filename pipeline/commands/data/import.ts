/** `pipeline data import`: local files, official ones into their place, one's own into words for the experiment file. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { PipelineError } from '../../../schemas/errors.ts';
import type { DatasetEntry } from '../../../store/datasets/catalogue-entry.ts';
import { openLog } from '../../log.ts';
import { findDataDirectory } from '../../prepare.ts';
import { listenForStop } from '../../stop-signals.ts';
import type { World } from '../../world.ts';
import { dataDirectoryToMake, entriesOf, usage } from './data-directory.ts';
import { importFile, importFolder, layoutsIn } from './import-official.ts';
import { importOwn } from './import-own.ts';

export interface ImportArguments {
  source?: string | undefined;
  as?: string | undefined;
  set: string[];
  data?: string | undefined;
  json: boolean;
}

export async function importCommand(args: ImportArguments, world: World): Promise<void> {
  const { source, as, set, json } = args;
  if (source === undefined) throw usage('Expected a file or a folder after import.', 'import');
  const kind = await kindOf(source);
  const catalogue = await world.catalogue();
  const chosen = as === undefined ? catalogue : entriesOf([as], catalogue);
  const matches = chosen.flatMap((entry) =>
    entry.downloads.filter(({ name }) => name === basename(source)).map((download) => ({ entry, download })),
  );
  const layouts = kind === 'folder' ? await layoutsIn(source, chosen) : [];
  const say = (lines: readonly string[], result: object) =>
    world.stdout.write(`${json ? JSON.stringify(result, null, 2) : lines.join('\n')}\n`);

  if (matches.length === 0 && layouts.length === 0) {
    if (kind === 'file') throw unknownFile(source, chosen);
    const own = await importOwn(source, chosen, set, findDataDirectory(args.data, world.environment));
    return void say(own.lines, own.result);
  }
  if (set.length > 0) {
    throw usage(
      `Expected no --set for official files, which are as they are, got --set ${set[0]}.`,
      'import',
    );
  }
  const log = openLog({ json: false, quiet: json, verbose: false }, world.stdout, world.environment);
  const signals = listenForStop();
  const dataDirectory = dataDirectoryToMake(args.data, world.environment);
  const options = { dataDirectory, environment: world.environment, signal: signals.stop, emit: log.emit };
  try {
    const result =
      kind === 'file'
        ? await importFile(source, matches, options)
        : await importFolder(source, layouts, options);
    const { name, directory, lacks } = result;
    const rest = lacks.length === 0 ? 'is there now' : `still lacks ${lacks.join(', ')}`;
    say([`${name} ${rest}: ${directory}`], result);
  } finally {
    signals.close();
    log.close();
  }
}

async function kindOf(source: string): Promise<'file' | 'folder'> {
  const found = await stat(source).catch(() => null);
  if (found !== null) return found.isDirectory() ? 'folder' : 'file';
  throw new PipelineError(
    'NOT_FOUND',
    `Expected a file or a folder at ${source}, found nothing there; check the path.`,
  );
}

function unknownFile(source: string, chosen: readonly DatasetEntry[]): PipelineError {
  const names = chosen.flatMap(({ downloads }) => downloads.map(({ name }) => name));
  const nearest = names.length === 0 ? '' : ` (the nearest is ${closest(basename(source), names)})`;
  return new PipelineError(
    'USAGE',
    `Expected an official file under its own name${nearest}, or a folder with data of your own, got the file ${source}; rename it, or give the folder that it is in.`,
  );
}
