/**
 * A checksum of a data set's files as they lie in the data directory. It goes into the configuration, and so into
 * every key: exchanged or changed files make new artifacts instead of being passed over for old ones.
 */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { sha256, sha256File } from '../content-hash.ts';
import { entryOf } from './catalogue.ts';
import type { Layout } from './catalogue-entry.ts';
import { placeOf } from './find-datasets.ts';
import { filesBelow, listFolder } from './source-file.ts';

const DIGITS = 16;
/** Data sets up to so many bytes are read as a whole. */
const WHOLE_BYTES = 2 ** 30;
/** Of larger ones, files of so many bytes and more are read in places. */
const LARGE_FILE_BYTES = 2 ** 23;
const PLACES = 16;
const PLACE_BYTES = 2 ** 16;

/**
 * Every plan waits for it, so a data set of more than a gigabyte is not read as a whole: of each file the name and the
 * size count, and of a large one also its bytes at {@link PLACES} places from start to end. The artifact keeps the
 * checksums of whole files.
 *
 * @param dataDirectory null where there is none
 * @param wholeBytes for tests
 * @returns 16 hexadecimal digits over names and contents; undefined where nothing is there, or nothing is read (toy)
 */
export async function datasetFingerprint(
  dataDirectory: string | null,
  config: ExperimentConfig['dataset'],
  wholeBytes = WHOLE_BYTES,
): Promise<string | undefined> {
  if (config.name === 'toy') return undefined;
  const place = await placeOf(entryOf(config.name), dataDirectory, config);
  if (place === null) return undefined;
  const { directory, layout } = place;
  const counted = await filesOf(directory, layout);
  if (counted.length === 0) return undefined;
  const files = await Promise.all(
    counted.sort().map(async (file) => ({ file, bytes: (await stat(join(directory, file))).size })),
  );
  const isSmall = files.reduce((sum, { bytes }) => sum + bytes, 0) <= wholeBytes;
  const lines: string[] = [];
  for (const { file, bytes } of files) {
    const path = join(directory, file);
    lines.push(`${isSmall ? await sha256File(path) : await sampleFile(path, bytes)} ${file}\n`);
  }
  return sha256(lines.join('')).slice(0, DIGITS);
}

/** The size of a file, and a checksum of some places where it is large. */
async function sampleFile(path: string, bytes: number): Promise<string> {
  if (bytes < LARGE_FILE_BYTES) return String(bytes);
  const samples = Buffer.alloc(PLACES * PLACE_BYTES);
  const file = await open(path, 'r');
  try {
    for (let place = 0; place < PLACES; place++) {
      const position = Math.floor(((bytes - PLACE_BYTES) * place) / (PLACES - 1));
      await file.read(samples, place * PLACE_BYTES, PLACE_BYTES, position);
    }
  } finally {
    await file.close();
  }
  return `${bytes} ${sha256(samples)}`;
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
