/**
 * A checksum of a data set's files as they lie in the data directory. It goes into the configuration, and so into
 * every key: exchanged or changed files make new artifacts instead of being passed over for old ones.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { sha256, sha256File } from '../content-hash.ts';
import { CIFAR10_FILES } from './cifar10.ts';
import { DATASET_FOLDERS, uspsDirectory } from './find-datasets.ts';
import { MNIST_FILES } from './mnist.ts';
import { listFolder } from './source-file.ts';
import { USPS_FILES } from './usps.ts';

const DIGITS = 16;

/** Names that count, packed or not; null for all. */
const FILES = {
  usps: USPS_FILES,
  mnist: MNIST_FILES,
  cifar10: CIFAR10_FILES,
  folder: null,
  toy: [] as string[],
};

/**
 * @param dataDirectory null where there is none
 * @returns 16 hexadecimal digits over names and contents; undefined where nothing is there, or nothing is read (toy)
 */
export async function datasetFingerprint(
  dataDirectory: string | null,
  { name, folder }: ExperimentConfig['dataset'],
): Promise<string | undefined> {
  const directory =
    name === 'usps' ? await uspsDirectory(dataDirectory) : placeOf(dataDirectory, name, folder);
  if (directory === null) return undefined;
  const wanted = FILES[name];
  const present = wanted === null ? await filesBelow(directory) : await listFolder(directory);
  const counted = present.filter(
    (file) => wanted?.some((known) => file === known || file === `${known}.gz`) ?? true,
  );
  if (counted.length === 0) return undefined;
  const lines: string[] = [];
  for (const file of counted.sort()) lines.push(`${await sha256File(join(directory, file))} ${file}\n`);
  return sha256(lines.join('')).slice(0, DIGITS);
}

function placeOf(
  dataDirectory: string | null,
  name: Exclude<ExperimentConfig['dataset']['name'], 'usps'>,
  folder: string | undefined,
): string | null {
  if (dataDirectory === null || name === 'toy') return null;
  return join(dataDirectory, name === 'folder' ? (folder ?? '') : DATASET_FOLDERS[name]);
}

/** Paths of all files below a folder, relative to it; none where there is no such folder. */
async function filesBelow(directory: string): Promise<string[]> {
  if ((await listFolder(directory)).length === 0) return [];
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1));
}
