/** `pipeline data show`: statistics of a data set's splits, and a contact sheet of one. */
import { dirname } from 'node:path';
import type { SplitName } from '../../../schemas/dataset.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import { makeDirectory, writeFileAtomic } from '../../../store/atomic-file.ts';
import { contactSheet } from '../../../store/pictures/contact-sheet.ts';
import { encodePng } from '../../../store/pictures/png.ts';
import { imageTile, type Tile } from '../../../store/pictures/tiles.ts';
import { findDataDirectory } from '../../prepare.ts';
import type { World } from '../../world.ts';
import { usage } from './data-directory.ts';
import { type OpenedDataset, type OpenSplit, openMeant } from './open-dataset.ts';
import { readingBar } from './reading-bar.ts';
import { tellStatistics } from './statistics-table.ts';
import { evenly, type SplitSurvey, survey } from './survey.ts';

export interface ShowArguments {
  source?: string | undefined;
  picture?: string | undefined;
  data?: string | undefined;
  split?: string | undefined;
  count: number;
  'per-class': boolean;
  json: boolean;
}

/** Pixels that a tile of small images should at least be wide. */
const TILE_PIXELS = 48;
const CAPTION_LETTERS = 24;

/** Images to draw, by their places, in rows; null for an empty place. */
interface Arrangement {
  places: (number | null)[];
  columns: number;
  captions: string[];
}

export async function showCommand(args: ShowArguments, world: World): Promise<void> {
  const { source, picture, split: wanted, json } = args;
  if (source === undefined) throw usage('Expected a data set after show.', 'show');
  if (picture !== undefined && !/\.png$/i.test(picture)) {
    throw usage(`Expected a file .png for the contact sheet, got ${picture}.`, 'show');
  }
  checkCount(args.count);
  const opened = await openMeant(
    source,
    await world.catalogue(),
    findDataDirectory(args.data, world.environment),
  );
  const splits = splitsOf(opened, wanted, picture);
  const found: Partial<Record<SplitName, SplitSurvey>> = {};
  const bar = readingBar(world, json);
  try {
    for (const [name, split] of splits) {
      const tell = (done: number) => bar.tell(`${opened.info.name} ${name}`, done, split.count);
      const isDrawn = picture !== undefined && name === splits[0]![0];
      found[name] = isDrawn
        ? await draw(opened, split, args, picture, tell)
        : (await survey(opened, split, new Set(), tell)).found;
    }
  } finally {
    bar.close();
  }
  const { name, shape, classNames } = opened.info;
  const text = json
    ? JSON.stringify({ name, shape, classNames, splits: found, picture: picture ?? null }, null, 2)
    : [...tellStatistics(opened.info, found), ...(picture === undefined ? [] : ['', picture])].join('\n');
  world.stdout.write(`${text}\n`);
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  const found = Number.isNaN(count) ? 'something else' : count;
  throw usage(`Expected --count to be a whole number >= 1, got ${found}.`, 'show');
}

/** Those asked for; the one that is drawn comes first. */
function splitsOf(
  { info, splits }: OpenedDataset,
  wanted: string | undefined,
  picture: string | undefined,
): [SplitName, OpenSplit][] {
  const all = Object.entries(splits) as [SplitName, OpenSplit][];
  if (picture !== undefined && info.shape.length !== 3) {
    const message = `Expected images for a contact sheet, found points of ${info.shape.length === 1 ? info.shape[0] : info.shape} numbers in ${info.name}; leave out the file to have the statistics.`;
    throw new PipelineError('SHAPE_MISMATCH', message);
  }
  if (wanted === undefined) return all;
  const chosen = all.filter(([name]) => name === wanted);
  if (chosen.length > 0) return chosen;
  throw usage(
    `Expected --split to be a split of ${info.name} (${all.map(([name]) => name).join(', ')}), got ${wanted}.`,
    'show',
  );
}

async function draw(
  opened: OpenedDataset,
  split: OpenSplit,
  args: ShowArguments,
  picture: string,
  tell: (done: number) => void,
): Promise<SplitSurvey> {
  const { info } = opened;
  const arranged = args['per-class']
    ? perClass(split, info.classNames, args.count)
    : inOrder(split.count, args.count);
  const wanted = new Set(arranged.places.filter((place) => place !== null));
  const { found, pictures } = await survey(opened, split, wanted, tell);
  const [height, width, channels] = info.shape as [number, number, number];
  const tiles = arranged.places.map((place) => {
    const data = place === null ? undefined : pictures.get(place);
    return data === undefined ? null : imageTile({ height, width, channels, data } satisfies Tile);
  });
  const magnification = Math.max(1, Math.ceil(TILE_PIXELS / Math.max(height, width)));
  const sheet = contactSheet(tiles, { ...arranged, magnification });
  await makeDirectory(dirname(picture));
  await writeFileAtomic(picture, encodePng(sheet));
  return found;
}

function inOrder(images: number, count: number): Arrangement {
  const places = evenly(
    Array.from({ length: images }, (_, i) => i),
    count,
  );
  return { places, columns: Math.ceil(Math.sqrt(places.length)), captions: [] };
}

/** A row for each class, with its name. */
function perClass({ labels }: OpenSplit, classNames: readonly string[], count: number): Arrangement {
  if (labels === null)
    throw usage('Expected a split with labels for --per-class, found one without.', 'show');
  const columns = Math.max(1, Math.floor(count / classNames.length));
  const ofClass: number[][] = classNames.map(() => []);
  for (const [place, label] of labels.entries()) ofClass[label]!.push(place);
  const places = ofClass.flatMap((members) => {
    const chosen = evenly(members, columns);
    return Array.from({ length: columns }, (_, i) => chosen[i] ?? null);
  });
  return { places, columns, captions: classNames.map((name) => name.slice(0, CAPTION_LETTERS)) };
}
