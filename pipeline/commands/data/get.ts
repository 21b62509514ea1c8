/** `pipeline data get`: official files from their official places or mirrors. */
import { join } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import { makeDirectory } from '../../../store/atomic-file.ts';
import type { DatasetEntry, Download } from '../../../store/datasets/catalogue-entry.ts';
import { findDataset } from '../../../store/datasets/find-datasets.ts';
import { freeBytes } from '../../../store/free-bytes.ts';
import { showBytes } from '../../../store/show-bytes.ts';
import { confirm } from '../../confirm.ts';
import {
  bytesToCome,
  downloadsOf,
  fetchDataset,
  missingDownloads,
  pathOf,
} from '../../download/fetch-dataset.ts';
import { fold } from '../../fold-text.ts';
import { openLog } from '../../log.ts';
import { listenForStop } from '../../stop-signals.ts';
import type { World } from '../../world.ts';
import { dataDirectoryToMake, entriesOf, usage } from './data-directory.ts';

/** More than that is not downloaded without a question. */
const ASK_BYTES = 1e9;

export interface GetArguments {
  names?: string[] | undefined;
  data?: string | undefined;
  optional: boolean;
  yes: boolean;
  json: boolean;
}

/** What one data set lacks. */
interface Due {
  entry: DatasetEntry;
  downloads: Download[];
  /** Whether all that a reader needs is there. */
  isThere: boolean;
}

/** What became of one data set. */
interface Outcome {
  name: string;
  directory: string;
  /** Names of the files that were fetched; none where all was there. */
  fetched: string[];
}

export async function getCommand(args: GetArguments, world: World): Promise<void> {
  const entries = entriesOf(args.names ?? [], await world.catalogue());
  if (entries.length === 0) throw usage('Expected the name of a data set after get.', 'get');
  const directory = dataDirectoryToMake(args.data, world.environment);
  await makeDirectory(directory);
  const due = await Promise.all(
    entries.map(async (entry) => ({
      entry,
      downloads: await missingDownloads(entry, downloadsOf(entry, args.optional), directory),
      isThere: (await findDataset(entry, directory)).found,
    })),
  );
  for (const lacking of due) refuseByHand(lacking, directory);
  if (!(await agree(due, directory, args, world))) return;
  const outcomes = await fetchAll(due, directory, args, world);
  const text = args.json ? JSON.stringify({ directory, sets: outcomes }, null, 2) : tell(outcomes);
  world.stdout.write(`${text}\n`);
}

/** Before anything is downloaded: that every file that is missing has an address. */
function refuseByHand({ entry, downloads, isThere }: Due, dataDirectory: string): void {
  const { name, title, layouts, byHand } = entry;
  const without = downloads
    .filter(({ urls }) => urls.length === 0)
    .map((file) => pathOf(file, dataDirectory));
  if (without.length === 0 && (isThere || downloads.length > 0)) return;
  const place = layouts[0].folder === null ? '' : ` in ${join(dataDirectory, layouts[0].folder)}`;
  const how = byHand ?? `Put its files${place} by hand.`;
  const files = without.map((path) => `\n  ${path}`).join('');
  const wanted = files === '' ? '' : `\nWhat is missing, and where it belongs:${files}`;
  const message = `Expected a data set that can be downloaded, got ${name} (${title}). ${how}${wanted}`;
  throw new PipelineError('USAGE', message);
}

/** Says what is to come, and asks where it is much; false for no. */
async function agree(
  due: readonly Due[],
  directory: string,
  { yes, json }: GetArguments,
  world: World,
): Promise<boolean> {
  const bytes = await bytesToCome(
    due.flatMap(({ downloads }) => downloads),
    directory,
  );
  await requireRoom(directory, bytes);
  const say = (line: string) => (json ? world.stderr : world.stdout).write(`${line}\n`);
  for (const { name, bytes: size, urls } of due.flatMap(({ downloads }) => downloads)) {
    say(
      `  ${name}  ${size === undefined ? 'size unknown' : showBytes(size)}  from ${new URL(urls[0]!).host}`,
    );
  }
  if (bytes <= ASK_BYTES || yes) return true;
  if (
    await confirm(`Download ${showBytes(bytes)} to ${directory}? [y/N] `, `to download ${showBytes(bytes)}`)
  ) {
    return true;
  }
  say('Nothing was downloaded.');
  return false;
}

async function requireRoom(directory: string, bytes: number): Promise<void> {
  const room = await freeBytes(directory);
  if (room >= bytes) return;
  const message = `Expected ${showBytes(bytes)} of room in ${directory} for the download, found ${showBytes(room)}. Free some space, or choose a folder on another disk (--data DIR).`;
  throw new PipelineError('DISK_FULL', message);
}

async function fetchAll(
  due: readonly Due[],
  dataDirectory: string,
  args: GetArguments,
  world: World,
): Promise<Outcome[]> {
  const log = openLog({ json: false, quiet: args.json, verbose: false }, world.stdout, world.environment);
  const signals = listenForStop();
  const options = { dataDirectory, environment: world.environment, signal: signals.stop, emit: log.emit };
  const outcomes: Outcome[] = [];
  try {
    for (const { entry, downloads } of due) {
      const fetched = downloads.length === 0 ? [] : await fetchDataset(entry, downloads, options);
      const { where } = await findDataset(entry, dataDirectory);
      outcomes.push({ name: entry.name, directory: where, fetched });
    }
    return outcomes;
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'INTERRUPTED') throw error;
    const message = 'Stopped. What has come is kept; the same command goes on from there.';
    throw new PipelineError('INTERRUPTED', message, { cause: error });
  } finally {
    signals.close();
    log.close();
  }
}

function tell(outcomes: readonly Outcome[]): string {
  const lines = outcomes.map(({ name, directory, fetched }) => {
    const what = fetched.length === 0 ? 'was there already' : 'is there now';
    return `${name} ${what}: ${directory}`;
  });
  return lines.flatMap((line) => fold(line, 80)).join('\n');
}
