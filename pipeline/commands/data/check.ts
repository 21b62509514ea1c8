/** `pipeline data check`: whether the files of data sets are whole, official, and read as what they should be. */
import { SPLIT_NAMES, type SplitName } from '../../../schemas/dataset.ts';
import { DATASET_FACTS } from '../../../schemas/dataset-facts.ts';
import { type ErrorCode, PipelineError } from '../../../schemas/errors.ts';
import type { DatasetEntry, FileDatasetName } from '../../../store/datasets/catalogue-entry.ts';
import { isBegun, placeOf } from '../../../store/datasets/find-datasets.ts';
import { translateReadError } from '../../../store/read-error.ts';
import { labelled } from '../../fold-text.ts';
import { findDataDirectory } from '../../prepare.ts';
import type { World } from '../../world.ts';
import { entriesOf, LABEL } from './data-directory.ts';
import { type ComparedFile, compareFiles } from './official-files.ts';
import { openEntry, readWhole } from './open-dataset.ts';
import { type ReadingBar, readingBar } from './reading-bar.ts';

/** What is the fault of the files; as nothing is configured here, `CONFIG_INVALID` says what they lack. */
const OF_DATA: ErrorCode[] = ['DATA_MISSING', 'DATA_DAMAGED', 'NOT_READABLE', 'CONFIG_INVALID'];

export interface CheckArguments {
  names?: string[] | undefined;
  data?: string | undefined;
  json: boolean;
}

interface Checked {
  name: FileDatasetName;
  directory: string;
  files: ComparedFile[];
  /** Images that were read, of each split; null where reading failed. */
  images: Partial<Record<SplitName, number>> | null;
  /** What the reader complains of. */
  error: string | null;
}

/** All data sets that are here, or those that are named; exit code 1 where any is damaged. */
export async function checkCommand({ names = [], data, json }: CheckArguments, world: World): Promise<void> {
  const directory = findDataDirectory(data, world.environment);
  const catalogue = await world.catalogue();
  const chosen = names.length > 0 ? entriesOf(names, catalogue) : await present(catalogue, directory);
  const checked: Checked[] = [];
  for (const entry of chosen) {
    const bar = readingBar(world, json);
    const result = await check(entry, directory, bar.tell).finally(bar.close);
    checked.push(result);
    if (!json) world.stdout.write(`${tell(result).join('\n')}\n`);
  }
  if (json) world.stdout.write(`${JSON.stringify({ directory, sets: checked }, null, 2)}\n`);
  if (checked.some(isDamaged)) process.exitCode = 1;
}

async function present(
  catalogue: readonly DatasetEntry[],
  directory: string | null,
): Promise<DatasetEntry[]> {
  const fixed = catalogue.filter(({ layouts }) => layouts[0].folder !== null);
  const found = await Promise.all(fixed.map((entry) => isBegun(entry, directory)));
  return fixed.filter((_, i) => found[i]);
}

async function check(
  entry: DatasetEntry,
  dataDirectory: string | null,
  tellProgress: ReadingBar['tell'],
): Promise<Checked> {
  const place = await placeOf(entry, dataDirectory);
  const read = { name: entry.name, directory: place?.directory ?? '', files: [] as ComparedFile[] };
  try {
    if (place !== null) read.files = await compareFiles(entry, place, dataDirectory ?? '');
    const images = await readWhole(await openEntry(entry, dataDirectory), tellProgress);
    return { ...read, images, error: null };
  } catch (thrown) {
    const error = translateReadError(thrown);
    const isOfData = error instanceof PipelineError && OF_DATA.includes(error.code);
    if (!isOfData) throw error;
    return { ...read, images: null, error: error.message };
  }
}

function isDamaged({ error, files }: Checked): boolean {
  return error !== null || files.some(({ state }) => state === 'changed' || state === 'missing');
}

function tell(checked: Checked): string[] {
  const { name, directory, files, images, error } = checked;
  const verdict = images === null ? 'cannot be read' : `reads whole: ${showCounts(images)} images`;
  return [
    ...labelled(name, LABEL, isDamaged(checked) && error === null ? `damaged, but ${verdict}` : verdict),
    ...labelled('', LABEL, directory),
    ...labelled('', LABEL, error ?? ''),
    ...labelled('', LABEL, otherCounts(checked)),
    ...labelled('', LABEL, tellOrigin(files)),
    ...files.filter(({ detail, state }) => detail !== null || state === 'missing').flatMap(tellDifference),
  ];
}

function showCounts(images: Partial<Record<SplitName, number>>): string {
  const counts = Object.entries(images).map(([split, count]) => `${count.toLocaleString('en')} ${split}`);
  return counts.join(', ');
}

/** Nothing where the counts are those of the official files. */
function otherCounts({ name, images }: Checked): string {
  const { images: official = {} } = DATASET_FACTS[name];
  const isSame = SPLIT_NAMES.every((split) => images?.[split] === official[split]);
  return images === null || isSame ? '' : `the official files have ${showCounts(official)} images`;
}

/** Which files are official, in a sentence. */
function tellOrigin(files: readonly ComparedFile[]): string {
  const count = (state: ComparedFile['state']) => files.filter((file) => file.state === state).length;
  const of = (number: number) => (number === files.length ? 'all' : `${number} of ${files.length}`);
  const sentences = [
    [count('official'), 'byte for byte the official files'],
    [count('other'), 'not the official files, though they may hold the same images'],
    [count('unknown'), 'without a known official checksum'],
    [count('changed') + count('missing'), 'damaged since they were unpacked'],
  ] as const;
  const told = sentences.flatMap(([number, what]) => (number === 0 ? [] : [`${of(number)} ${what}`]));
  return told.length === 0 ? '' : `files: ${told.join('; ')}`;
}

function tellDifference({ file, state, detail }: ComparedFile): string[] {
  return labelled('', LABEL, `- ${file}: ${state === 'missing' ? 'missing' : detail}`);
}
