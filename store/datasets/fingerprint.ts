/**
 * A checksum of a data set's files as they lie in the data directory. It goes into the configuration, and so into
 * every key: exchanged or changed files make new artifacts instead of being passed over for old ones.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { sha256, sha256File } from '../content-hash.ts';
import { entryOf } from './catalogue.ts';
import type { Layout } from './catalogue-entry.ts';
import { placeOf } from './find-datasets.ts';
import { listFolder } from './source-file.ts';

const DIGITS = 16;

/**
 * @param dataDirectory null where there is none
 * @returns 16 hexadecimal digits over names and contents; undefined where nothing is there, or nothing is read (toy)
 */
export async function datasetFingerprint(
  dataDirectory: string | null,
  config: ExperimentConfig['dataset'],
): Promise<string | undefined> {
  if (config.name === 'toy') return undefined;
  const place = await placeOf(entryOf(config.name), dataDirectory, config);
  if (place === null) return undefined;
  const { directory, layout } = place;
  const counted = await filesOf(directory, layout);
  if (counted.length === 0) return undefined;
  const lines: string[] = [];
  for (const file of counted.sort()) lines.push(`${await sha256File(join(directory, file))} ${file}\n`);
  return sha256(lines.join('')).slice(0, DIGITS);
}

/** Those files of a layout that are there, packed or not; of a folder all that is below it. */
export async function filesOf(directory: string, { files, optional = [] }: Layout): Promise<string[]> {
  if (files.length === 0) return filesBelow(directory);
  const known = [...files, ...optional];
  const present = await listFolder(directory);
  const counted = present.filter((file) => known.some((name) => file === name || file === `${name}.gz`));
  const below = await Promise.all(
    counted.map(async (name) => {
      const inside = await filesBelow(join(directory, name));
      return inside.length === 0 ? [name] : inside.map((file) => join(name, file));
    }),
  );
  return below.flat();
}

/** Paths of all files below a folder, relative to it; none where there is no such folder. */
async function filesBelow(directory: string): Promise<string[]> {
  if ((await listFolder(directory)).length === 0) return [];
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1));
}
