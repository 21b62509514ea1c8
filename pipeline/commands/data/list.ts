/** `pipeline data list`: every data set that the program knows, and whether it is here. Looks at names and sizes only. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SplitName } from '../../../schemas/dataset.ts';
import { DATASET_FACTS } from '../../../schemas/dataset-facts.ts';
import type { DatasetEntry } from '../../../store/datasets/catalogue-entry.ts';
import { findDataset, placeOf } from '../../../store/datasets/find-datasets.ts';
import { listFolder } from '../../../store/datasets/source-file.ts';
import { showBytes } from '../../../store/show-bytes.ts';
import { downloadsOf } from '../../download/fetch-dataset.ts';
import { labelled } from '../../fold-text.ts';
import { findDataDirectory } from '../../prepare.ts';
import type { World } from '../../world.ts';
import { LABEL } from './data-directory.ts';

export interface ListArguments {
  data?: string | undefined;
  json: boolean;
}

interface Listed {
  name: string;
  title: string;
  /** [height, width, channels]; null where the user decides. */
  shape: readonly number[] | null;
  classes: number | null;
  /** Of each split of the official files; null for one's own. */
  images: Partial<Record<SplitName, number>> | null;
  found: boolean;
  /** Folder in which it is or belongs; null where the experiment file names it. */
  directory: string | null;
  isBundled: boolean;
  /** Of the files that are here; null where there are none, or folders of too many to count. */
  bytes: number | null;
  isDownloadable: boolean;
  /** Of what `data get` would download; null where it cannot, or the size is unknown. */
  downloadBytes: number | null;
  /** How to have the files where no address gives them. */
  byHand: string | null;
}

export async function listCommand({ data, json }: ListArguments, world: World): Promise<void> {
  const directory = findDataDirectory(data, world.environment);
  const listed = await Promise.all((await world.catalogue()).map((entry) => list(entry, directory)));
  const text = json
    ? JSON.stringify({ directory, sets: listed }, null, 2)
    : [`Data directory: ${directory ?? 'none (--data DIR or PAG_DATA)'}`, '', ...listed.flatMap(tell)].join(
        '\n',
      );
  world.stdout.write(`${text}\n`);
}

async function list(entry: DatasetEntry, dataDirectory: string | null): Promise<Listed> {
  const { name, title, bundled, byHand = null } = entry;
  const { shape, classes, images = null } = DATASET_FACTS[name];
  const isNamedByUser = entry.layouts[0].folder === null;
  const { found, where } = isNamedByUser
    ? { found: false, where: '' }
    : await findDataset(entry, dataDirectory);
  const downloads = downloadsOf(entry, false);
  const isDownloadable = downloads.length > 0 && downloads.every(({ urls }) => urls.length > 0);
  const total = downloads.reduce((sum, { bytes = Number.NaN }) => sum + bytes, 0);
  return {
    name,
    title,
    shape,
    classes,
    images,
    found,
    directory: where === '' ? null : where,
    isBundled: found && where === bundled,
    bytes: found ? await bytesOf(entry, dataDirectory) : null,
    isDownloadable,
    downloadBytes: isDownloadable && !Number.isNaN(total) ? total : null,
    byHand,
  };
}

/** Looks at the files that the layout names alone: below a folder there may be a million. */
async function bytesOf(entry: DatasetEntry, dataDirectory: string | null): Promise<number | null> {
  const place = (await placeOf(entry, dataDirectory))!;
  const { files, optional = [] } = place.layout;
  const present = new Set(await listFolder(place.directory));
  const names = [...files, ...optional].flatMap((file) =>
    [file, `${file}.gz`].filter((name) => present.has(name)),
  );
  const found = await Promise.all(names.map((name) => stat(join(place.directory, name))));
  if (found.some((file) => file.isDirectory())) return null;
  return found.reduce((sum, { size }) => sum + size, 0);
}

function tell(set: Listed): string[] {
  return [
    ...labelled(set.name, LABEL, [set.title, ...contentsInWords(set)].join('; ')),
    ...labelled('', LABEL, placeInWords(set)),
  ];
}

/** `60,000 train, 10,000 test images of 28x28x1, 10 classes`, as far as that is fixed. */
function contentsInWords({ images, shape, classes }: Listed): string[] {
  const counts = Object.entries(images ?? {}).map(
    ([split, count]) => `${count.toLocaleString('en')} ${split}`,
  );
  const size = shape === null ? '' : ` of ${shape.join('x')}`;
  const parts = [
    ...(counts.length === 0 ? [] : [`${counts.join(', ')} images${size}`]),
    ...(classes === null ? [] : [`${classes} classes`]),
  ];
  return parts.length === 0 ? [] : [parts.join(', ')];
}

function placeInWords(set: Listed): string {
  const { name, found, isBundled, directory, bytes, downloadBytes, isDownloadable, byHand } = set;
  const size = bytes === null ? '' : ` (${showBytes(bytes)})`;
  if (isBundled) return `comes with the program${size}`;
  if (found) return `here${size}: ${directory}`;
  if (isDownloadable) {
    const what = downloadBytes === null ? 'it' : showBytes(downloadBytes);
    return `not here: \`pipeline data get ${name}\` downloads ${what}`;
  }
  if (directory === null && byHand === null) return 'your own: `pipeline data import FILES` describes them';
  return `not here: ${byHand ?? `put its files into ${directory}`}`;
}
