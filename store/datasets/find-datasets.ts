/** Which data sets are there, and where; looks at names only. */
import { join } from 'node:path';
import { CATALOGUE } from './catalogue.ts';
import type { DatasetConfig, DatasetEntry, FileDatasetName, Layout } from './catalogue-entry.ts';
import { listFolder } from './source-file.ts';

export interface FoundDataset {
  name: FileDatasetName;
  found: boolean;
  /** Folder in which it is, or in which it is looked for; empty where there is no data directory. */
  where: string;
}

/** A layout and the folder that has its files, or in which they are looked for. */
export interface DatasetPlace {
  layout: Layout;
  directory: string;
}

/**
 * Where a data set is: the first layout of which any file is in the data directory, so that half of one is not
 * silently passed over; else the copy that comes with the project; else where the first layout belongs.
 *
 * @param dataDirectory null where there is none
 * @returns null without a data directory, unless there is a copy
 */
export async function placeOf(
  entry: DatasetEntry,
  dataDirectory: string | null,
  config?: DatasetConfig,
): Promise<DatasetPlace | null> {
  const [usual] = entry.layouts;
  if (dataDirectory !== null) {
    for (const layout of entry.layouts) {
      const directory = join(dataDirectory, config?.folder ?? layout.folder ?? '');
      if (await hasFiles(directory, layout.files, 'any')) return { layout, directory };
    }
  }
  if (entry.bundled !== undefined) return { layout: usual, directory: entry.bundled };
  if (dataDirectory === null) return null;
  return { layout: usual, directory: join(dataDirectory, config?.folder ?? usual.folder ?? '') };
}

/** The data sets that have a fixed form and place; one's own are named in the experiment file. */
export async function findDatasets(dataDirectory: string | null): Promise<FoundDataset[]> {
  const fixed = CATALOGUE.filter(({ layouts }) => layouts[0].folder !== null);
  return Promise.all(fixed.map((entry) => findDataset(entry, dataDirectory)));
}

export async function findDataset(entry: DatasetEntry, dataDirectory: string | null): Promise<FoundDataset> {
  const place = await placeOf(entry, dataDirectory);
  const found = place !== null && (await hasFiles(place.directory, place.layout.files, 'all'));
  return { name: entry.name, found, where: place?.directory ?? '' };
}

/** Whether any file of a data set is there, so that it is worth while to say what is wrong with it. */
export async function isBegun(entry: DatasetEntry, dataDirectory: string | null): Promise<boolean> {
  const place = await placeOf(entry, dataDirectory);
  return place !== null && hasFiles(place.directory, place.layout.files, 'any');
}

/** Whether the folder has any or all of the files, packed or not. */
async function hasFiles(
  directory: string,
  files: readonly string[],
  wanted: 'any' | 'all',
): Promise<boolean> {
  const names = await listFolder(directory);
  const has = (file: string) => names.includes(file) || names.includes(`${file}.gz`);
  return wanted === 'any' ? files.some(has) : files.every(has);
}
