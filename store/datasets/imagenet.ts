/**
 * ImageNet as folders of synsets, train/n01440764/*.JPEG and val/n01440764/*.JPEG, each a class of its own or put
 * together in groups. Restricted ImageNet is nine such groups (Tsipras et al. 2019).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { DatasetConfig, DatasetEntry } from './catalogue-entry.ts';
import { type DatasetSource, damagedData, HOW_TO_NAME_DATA } from './dataset-source.ts';
import { foldersIn, listPictures, pictureOptions } from './image-folder.ts';
import { type PictureList, PictureSources, pictureShape, pictureSplit } from './pictures.ts';
import { listFolder } from './source-file.ts';

const SYNSETS = 1000;
/** `SYNSET name, other name` for each class, as the ILSVRC files on Kaggle have it. */
const NAMES = 'LOC_synset_mapping.txt';

/**
 * First and last place of each group among the thousand synsets in the order of their numbers: RESTRICTED_IMAGNET_RANGES
 * of the robustness library (Engstrom et al. 2019).
 */
const RESTRICTED: Record<string, [number, number]> = {
  dog: [151, 268],
  cat: [281, 285],
  frog: [30, 32],
  turtle: [33, 37],
  bird: [80, 100],
  monkey: [365, 382],
  fish: [389, 397],
  crab: [118, 121],
  insect: [300, 319],
};

/** Synsets of each class. */
type Groups = Record<string, readonly string[]>;

/** @returns images [size, size, 1 or 3]; the validation images serve as test split, as those of the test have no labels */
export async function readImageNet(
  directory: string,
  config: DatasetConfig,
  groupsOf: (synsets: string[]) => Groups | Promise<Groups>,
): Promise<DatasetSource> {
  const synsets = await synsetsIn(directory);
  const groups = await groupsOf(synsets);
  const known = new Set(synsets);
  for (const [name, members] of Object.entries(groups)) {
    const absent = members.filter((synset) => !known.has(synset));
    if (absent.length === 0) continue;
    const message = `Expected the folders ${absent.join(', ')} of the class ${name} in ${join(directory, 'train')}, found none. Put them there, or take them out of dataset.groups.`;
    throw new PipelineError('DATA_MISSING', message);
  }
  await requireSameInVal(
    directory,
    Object.values(groups).flat(),
    config.groups === undefined ? synsets : null,
  );
  const options = pictureOptions(config);
  const sources = new PictureSources();
  const split = async (folder: string) =>
    pictureSplit(directory, await listGroups(directory, folder, groups), options, sources);
  return {
    shape: pictureShape(options),
    classNames: Object.keys(groups),
    train: await split('train'),
    test: await split('val'),
    get sources() {
      return sources.list();
    },
    provenance: `ImageNet (Russakovsky et al. 2015), ${Object.keys(groups).length} classes of the folders, resized to ${options.size}×${options.size}`,
  };
}

async function synsetsIn(directory: string): Promise<string[]> {
  const present = await listFolder(directory);
  const missing = ['train', 'val'].filter((split) => !present.includes(split));
  if (missing.length === 0) return foldersIn(join(directory, 'train'));
  const message = `Expected the folders train and val in ${directory}, each with a folder of pictures for each synset, found no ${missing.join(' and no ')}. Put them there, or ${HOW_TO_NAME_DATA}.`;
  throw new PipelineError('DATA_MISSING', message, { place: { files: missing } });
}

/** @param all the only synsets that there may be; null where others do not matter */
async function requireSameInVal(directory: string, wanted: string[], all: string[] | null): Promise<void> {
  const folder = join(directory, 'val');
  const present = await foldersIn(folder);
  const lacking = wanted.filter((synset) => !present.includes(synset));
  if (lacking.length > 0) {
    const message = `Expected a folder of pictures in ${folder} for each synset, as in train, found none for ${shortened(lacking)}. Sort the validation images into folders of synsets.`;
    throw new PipelineError('DATA_MISSING', message);
  }
  const extra = all === null ? [] : present.filter((synset) => !all.includes(synset));
  if (extra.length === 0) return;
  const message = `Expected the same synsets in train and val of ${directory}, found ${shortened(extra)} only in val. Add the missing folders to train, or name the synsets of each class in dataset.groups.`;
  throw new PipelineError('DATA_MISSING', message);
}

function shortened(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names[0]} and ${names.length - 1} others`;
}

async function listGroups(directory: string, split: string, groups: Groups): Promise<PictureList> {
  const parts = await Promise.all(
    Object.values(groups).map((synsets) => listPictures(directory, split, synsets)),
  );
  return {
    files: parts.flatMap(({ files }) => files),
    labels: Uint16Array.from(parts.flatMap(({ files }, label) => files.map(() => label))),
  };
}

/** Each synset a class, under its name where the list of names is there. */
async function everySynset(directory: string, synsets: string[]): Promise<Groups> {
  const names = new Map<string, string>();
  if ((await listFolder(directory)).includes(NAMES)) {
    for (const line of (await readFile(join(directory, NAMES), 'utf8')).trim().split('\n')) {
      const [, synset, name] = /^(n\d+) ([^,]+)/.exec(line) ?? [];
      if (synset === undefined) {
        const found = JSON.stringify(line.slice(0, 40));
        throw damagedData(join(directory, NAMES), 'lines of synset and names', found);
      }
      names.set(synset, name!.trim());
    }
  }
  // Two synsets are called crane, two maillot: those keep their number.
  const counts = new Map<string, number>();
  for (const name of names.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const called = (synset: string) => {
    const name = names.get(synset) ?? synset;
    return (counts.get(name) ?? 1) > 1 ? `${name} (${synset})` : name;
  };
  return Object.fromEntries(synsets.map((synset) => [called(synset), [synset]]));
}

function restricted(directory: string, synsets: string[]): Groups {
  if (synsets.length !== SYNSETS) {
    const message = `Expected the folders of all ${SYNSETS} synsets in ${join(directory, 'train')}, because the classes of Restricted ImageNet are ranges of them, found ${synsets.length}. Add the others, or name the synsets of each class in dataset.groups.`;
    throw new PipelineError('DATA_MISSING', message);
  }
  return Object.fromEntries(
    Object.entries(RESTRICTED).map(([name, [from, to]]) => [name, synsets.slice(from, to + 1)]),
  );
}

const BY_HAND =
  'Have ILSVRC 2012 from image-net.org/download (with an account), and sort the validation images into folders of synsets as the training images are.';

export const imagenet: DatasetEntry = {
  name: 'imagenet',
  title: 'ImageNet, folders of synsets',
  layouts: [
    {
      folder: 'imagenet',
      files: ['train', 'val'],
      optional: [NAMES],
      read: (directory, config) =>
        readImageNet(directory, config, (synsets) => config.groups ?? everySynset(directory, synsets)),
    },
  ],
  downloads: [],
  splits: ['train', 'test'],
  byHand: BY_HAND,
};

export const restrictedImagenet: DatasetEntry = {
  name: 'restricted-imagenet',
  title: 'Restricted ImageNet, nine groups of synsets',
  layouts: [
    {
      folder: 'imagenet',
      files: ['train', 'val'],
      read: (directory, config) =>
        readImageNet(directory, config, (synsets) => config.groups ?? restricted(directory, synsets)),
    },
  ],
  downloads: [],
  splits: ['train', 'test'],
  byHand: BY_HAND,
};
