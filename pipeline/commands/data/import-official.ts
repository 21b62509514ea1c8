/** Official files that somebody has fetched by hand: checked, then copied or unpacked to where their reader looks. */
import { dirname, join, resolve } from 'node:path';
import { datasetSchema } from '../../../schemas/dataset-config.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import { collectLeftovers, copyFileAtomic, makeDirectory } from '../../../store/atomic-file.ts';
import type { DatasetEntry, Download, Layout } from '../../../store/datasets/catalogue-entry.ts';
import type { SplitSource } from '../../../store/datasets/dataset-source.ts';
import { filesOf } from '../../../store/datasets/fingerprint.ts';
import { listFolder } from '../../../store/datasets/source-file.ts';
import {
  downloadsOf,
  type FetchOptions,
  folderOf,
  missingDownloads,
  pathOf,
  requireOfficial,
  unpack,
  withFolderLocked,
} from '../../download/fetch-dataset.ts';
import { whatIsWrong } from '../../download/remote-file.ts';

export interface NamedDownload {
  entry: DatasetEntry;
  download: Download;
}

export interface NamedLayout {
  entry: DatasetEntry;
  layout: Layout;
}

export interface Imported {
  name: string;
  /** Folder in which the files are now. */
  directory: string;
  /** Names of official files that are still missing. */
  lacks: string[];
}

/** One official file, which its checksum recognises among data sets with files of the same name. */
export async function importFile(
  path: string,
  candidates: readonly NamedDownload[],
  options: FetchOptions,
): Promise<Imported> {
  const { entry, download } = await recognise(path, candidates);
  const { dataDirectory } = options;
  return withFolderLocked(entry, 'import', options, async () => {
    const target = pathOf(download, dataDirectory);
    if (download.archive !== undefined) await unpack(download, path, folderOf(entry), options);
    else if (resolve(path) !== target) {
      await makeDirectory(dirname(target));
      await collectLeftovers(dirname(target));
      await copyFileAtomic(path, target);
    }
    const missing = await missingDownloads(entry, downloadsOf(entry, false), dataDirectory);
    const directory = join(dataDirectory, download.into);
    return { name: entry.name, directory, lacks: missing.map(({ name }) => name) };
  });
}

async function recognise(path: string, candidates: readonly NamedDownload[]): Promise<NamedDownload> {
  for (const candidate of candidates) {
    if ((await whatIsWrong(candidate.download, path)) === null) return candidate;
  }
  await requireOfficial(candidates[0]!.download, path);
  return candidates[0]!;
}

/** The layouts of known data sets whose files are all in a folder. */
export async function layoutsIn(folder: string, catalogue: readonly DatasetEntry[]): Promise<NamedLayout[]> {
  const names = await listFolder(folder);
  const has = (file: string) => names.includes(file) || names.includes(`${file}.gz`);
  return catalogue.flatMap((entry) =>
    entry.layouts
      .filter(({ folder: place, files }) => place !== null && files.length > 0 && files.every(has))
      .map((layout) => ({ entry, layout })),
  );
}

/** The files of a whole data set, which its reader must be able to read. */
export async function importFolder(
  folder: string,
  layouts: readonly NamedLayout[],
  options: FetchOptions,
): Promise<Imported> {
  const { entry, layout } = await onlyOne(folder, layouts);
  await readAll(folder, entry, layout, options.signal);
  const directory = join(options.dataDirectory, layout.folder!);
  await withFolderLocked(entry, 'import', options, async () => {
    if (resolve(folder) === directory) return;
    await collectLeftovers(directory);
    for (const file of await filesOf(folder, layout)) {
      requireGoing(options.signal);
      await makeDirectory(dirname(join(directory, file)));
      await copyFileAtomic(join(folder, file), join(directory, file));
    }
  });
  return { name: entry.name, directory, lacks: [] };
}

/** Data sets that share a folder are one here; of several, the one of which a file is official. */
async function onlyOne(folder: string, layouts: readonly NamedLayout[]): Promise<NamedLayout> {
  const places = new Map([...layouts].reverse().map((named) => [named.layout.folder, named]));
  if (places.size === 1) return layouts[0]!;
  for (const named of layouts) if (await hasOfficial(folder, named)) return named;
  const names = [...places.values()].map(({ entry }) => entry.name).reverse();
  throw new PipelineError(
    'USAGE',
    `Expected to know which data set ${folder} is, found files that are named as those of ${names.join(' and ')}; say which with --as NAME.`,
  );
}

async function hasOfficial(folder: string, { entry, layout }: NamedLayout): Promise<boolean> {
  const present = new Set(await listFolder(folder));
  const downloads = entry.downloads.filter(
    ({ into, archive, name }) => archive === undefined && into === layout.folder && present.has(name),
  );
  for (const download of downloads) {
    if ((await whatIsWrong(download, join(folder, download.name))) === null) return true;
  }
  return false;
}

async function readAll(
  folder: string,
  { name }: DatasetEntry,
  layout: Layout,
  signal: AbortSignal,
): Promise<void> {
  const { train, test, validation, unlabelled } = await layout.read(folder, datasetSchema.parse({ name }));
  for (const split of [train, test, validation, unlabelled]) {
    if (split !== undefined) await readWhole(split, signal);
  }
}

async function readWhole(split: SplitSource, signal: AbortSignal): Promise<void> {
  const all = Uint32Array.from({ length: split.count }, (_, i) => i);
  for await (const _ of split.read(all)) requireGoing(signal);
}

function requireGoing({ aborted }: AbortSignal): void {
  if (!aborted) return;
  const message = 'Stopped. Files that were copied are kept; run the same command again for the others.';
  throw new PipelineError('INTERRUPTED', message);
}
