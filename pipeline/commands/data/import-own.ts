/** Data of one's own: read once as they would be, and the section of an experiment file that says how. */
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import sharp from 'sharp';
import { stringify } from 'yaml';
import { PICTURE_DATASETS } from '../../../schemas/dataset-facts.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import type { DatasetEntry } from '../../../store/datasets/catalogue-entry.ts';
import { isPicture } from '../../../store/datasets/pictures.ts';
import { filesBelow } from '../../../store/datasets/source-file.ts';
import { loadExperiment } from '../../config/load.ts';
import { readOverrides } from '../../config/overrides.ts';
import { fold } from '../../fold-text.ts';
import { type OpenedDataset, openConfigured, readWhole } from './open-dataset.ts';

/** Pictures whose sizes are looked at. */
const LOOKED_AT = 200;

export interface OwnDataset {
  lines: string[];
  result: {
    dataset: Record<string, unknown>;
    dataDirectory: string;
    shape: number[];
    classNames: string[];
    images: Partial<Record<string, number>>;
  };
}

/** A section `dataset` of an experiment that reads one's own data, and the data as it does. */
export interface OwnSection {
  dataset: Record<string, unknown>;
  dataDirectory: string;
  opened: OpenedDataset;
}

/** @param settings of the section dataset, as `size=32` */
export async function importOwn(
  source: string,
  chosen: readonly DatasetEntry[],
  settings: readonly string[],
  dataDirectory: string | null,
): Promise<OwnDataset> {
  const place = placeOf(source, dataDirectory);
  return firstThatReads(source, chosen, async (name) => {
    const own = await sectionOf(name, source, place, settings);
    const { shape, classNames } = own.opened.info;
    const images = await readWhole(own.opened, () => undefined);
    const { dataset } = own;
    const result = { dataset, dataDirectory: own.dataDirectory, shape, classNames, images };
    return { lines: tell(result), result };
  });
}

/** As {@link importOwn}, without a look at each image. @param resize settings for data that are pictures */
export async function openOwn(
  source: string,
  catalogue: readonly DatasetEntry[],
  resize: readonly string[],
  dataDirectory: string | null,
): Promise<OwnSection> {
  const place = placeOf(source, dataDirectory);
  return firstThatReads(source, catalogue, (name) =>
    sectionOf(name, source, place, PICTURE_DATASETS.includes(name) ? resize : []),
  );
}

/** What comes of the first kind of data set as which a folder can be read. */
async function firstThatReads<T>(
  source: string,
  chosen: readonly DatasetEntry[],
  read: (name: DatasetEntry['name']) => Promise<T>,
): Promise<T> {
  const entries = chosen.filter(({ layouts }) => layouts[0].folder === null);
  const complaints: string[] = [];
  for (const { name, title } of entries) {
    try {
      return await read(name);
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      if (entries.length === 1) throw error;
      complaints.push(`  as ${name} (${title}): ${error.message}`);
    }
  }
  const message = `Expected official files of a data set, or data of your own, found neither in ${source}:\n${complaints.join('\n')}\nSay which it is with --as NAME to see only that.`;
  throw new PipelineError('DATA_DAMAGED', message);
}

/** The data directory that is in use, if the data lie in it; else the folder that they lie in. */
function placeOf(source: string, dataDirectory: string | null): { directory: string; folder: string } {
  const path = resolve(source);
  const below = dataDirectory === null ? '..' : relative(dataDirectory, path);
  if (below !== '' && !below.startsWith('..')) {
    return { directory: dataDirectory!, folder: below.split(sep).join('/') };
  }
  return { directory: dirname(path), folder: basename(path) };
}

async function sectionOf(
  name: string,
  source: string,
  { directory, folder }: { directory: string; folder: string },
  settings: readonly string[],
): Promise<OwnSection> {
  const { overrides } = readOverrides(settings);
  const given = Object.fromEntries(overrides.map(({ dottedPath, value }) => [dottedPath, value]));
  const size = 'size' in given ? {} : await sizeOfPictures(source);
  const written = { name: 'import', dataset: { name, folder, ...size } };
  const prefixed = settings.map((setting) => `dataset.${setting}`);
  const { variants } = loadExperiment({ name: source, text: stringify(written) }, prefixed);
  const opened = await openConfigured(variants[0]!.config.dataset, directory);
  return { dataset: { name, folder, ...size, ...given }, dataDirectory: directory, opened };
}

/** Side of the pictures below a folder, if all are squares of one size; none where there are no pictures. */
async function sizeOfPictures(folder: string): Promise<{ size?: number }> {
  const pictures = (await filesBelow(folder)).filter((file) => isPicture(basename(file)));
  const sides = new Set<number>();
  for (const file of pictures.slice(0, LOOKED_AT)) {
    // What is no picture is told of by the reader.
    const found = await sharp(join(folder, file))
      .metadata()
      .catch(() => null);
    if (found !== null) sides.add(found.width).add(found.height);
  }
  if (sides.size === 0) return {};
  if (sides.size === 1) return { size: [...sides][0]! };
  const [least, most] = [Math.min(...sides), Math.max(...sides)];
  throw new PipelineError(
    'USAGE',
    `Expected --set size=PIXELS, the side to which all pictures in ${folder} are brought, as they have sides of ${least} to ${most} pixels.`,
  );
}

function tell({ dataset, dataDirectory, shape, classNames, images }: OwnDataset['result']): string[] {
  const counts = Object.entries(images).map(([split, count]) => `${count!.toLocaleString('en')} ${split}`);
  const shown = classNames.length <= 10 ? ` (${classNames.join(', ')})` : '';
  return [
    ...fold(`${counts.join(', ')} images of ${shape.join('x')}, ${classNames.length} classes${shown}`, 80),
    '',
    stringify({ dataset }).trimEnd(),
    '',
    'Put that into an experiment file (`pipeline init` writes one), and run it with',
    `  pipeline run --data ${dataDirectory}`,
  ];
}
