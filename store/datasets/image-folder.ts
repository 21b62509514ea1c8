/** One's own images: train/CLASS/*.png and test/CLASS/*.png, also jpg, jpeg and webp. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { DatasetConfig, DatasetEntry } from './catalogue-entry.ts';
import { type DatasetSource, HOW_TO_NAME_DATA, MOST_CLASSES } from './dataset-source.ts';
import {
  isPicture,
  PICTURE_EXTENSIONS,
  type PictureList,
  type PictureOptions,
  PictureSources,
  pictureShape,
  pictureSplit,
} from './pictures.ts';
import { listFolder } from './source-file.ts';

const SPLITS = ['train', 'test'] as const;

/**
 * Classes are sorted by name, pictures within a class too, and so the order is the same on every machine.
 *
 * @param directory folder with train/ and test/
 * @returns images [size, size, 1 or 3]; `sources` has one entry per class folder
 */
export async function readImageFolder(directory: string, options: PictureOptions): Promise<DatasetSource> {
  const classNames = await classesOf(directory);
  const sources = new PictureSources();
  const [train, test] = [
    await listPictures(directory, 'train', classNames),
    await listPictures(directory, 'test', classNames),
  ];
  const { size, grayscale } = options;
  return {
    shape: pictureShape(options),
    classNames,
    train: pictureSplit(directory, train, options, sources),
    test: pictureSplit(directory, test, options, sources),
    get sources() {
      return sources.list();
    },
    provenance: `Pictures from a folder, resized to ${size}×${size}${grayscale ? ', in gray' : ''}`,
  };
}

/** Names of the classes, which both splits must have. */
async function classesOf(directory: string): Promise<string[]> {
  const present = await listFolder(directory);
  const missing = SPLITS.filter((split) => !present.includes(split));
  if (missing.length > 0) {
    const message = `Expected the folders train and test in ${directory}, each with one folder of pictures per class, found no ${missing.join(' and no ')}. Put them there, or ${HOW_TO_NAME_DATA}.`;
    throw new PipelineError('DATA_MISSING', message, { place: { files: [...missing] } });
  }
  const [train, test] = [await foldersIn(join(directory, 'train')), await foldersIn(join(directory, 'test'))];
  const onlyTrain = train.filter((name) => !test.includes(name));
  const onlyTest = test.filter((name) => !train.includes(name));
  if (onlyTrain.length + onlyTest.length > 0) {
    const found = [onlyIn('train', onlyTrain), onlyIn('test', onlyTest)].filter(Boolean).join(' and ');
    const message = `Expected the same classes in train and test of ${directory}, found ${found}. Add the missing folders or rename them.`;
    throw new PipelineError('DATA_DAMAGED', message);
  }
  if (train.length < 2 || train.length > MOST_CLASSES) {
    const message = `Expected 2 to ${MOST_CLASSES} classes, one folder each, in ${join(directory, 'train')}, found ${train.length}. Sort the pictures into folders named after their classes.`;
    throw new PipelineError('DATA_DAMAGED', message);
  }
  return train;
}

function onlyIn(split: string, names: string[]): string {
  return names.length === 0 ? '' : `${names.join(', ')} only in ${split}`;
}

/** Links to folders count as folders. */
export async function foldersIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
  const isFolder = await Promise.all(names.map((name) => isFolderAt(join(directory, name))));
  return names.filter((_, i) => isFolder[i]);
}

async function isFolderAt(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  return info?.isDirectory() ?? false;
}

/** The pictures of a split, class after class. Every class must have one. */
export async function listPictures(
  directory: string,
  split: string,
  classNames: readonly string[],
): Promise<PictureList> {
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of classNames.entries()) {
    const folder = join(directory, split, name);
    const pictures = (await readdir(folder)).filter(isPicture).sort();
    if (pictures.length === 0) {
      const message = `Expected pictures (${PICTURE_EXTENSIONS.join(', ')}) in ${folder}, found none. Put some there, or remove the class from all splits.`;
      throw new PipelineError('DATA_MISSING', message);
    }
    for (const picture of pictures) {
      files.push(`${split}/${name}/${picture}`);
      labels.push(label);
    }
  }
  return { files, labels: Uint16Array.from(labels) };
}

/** Size and channels, which the configuration is checked for where pictures are read. */
export function pictureOptions({ size, grayscale = false }: DatasetConfig): PictureOptions {
  if (size === undefined) {
    throw new TypeError('Expected dataset.size, which the configuration is checked for.');
  }
  return { size, grayscale };
}

export const imageFolder: DatasetEntry = {
  name: 'folder',
  title: 'pictures of your own, in a folder for each class',
  layouts: [
    {
      folder: null,
      files: [],
      read: (directory, config) => readImageFolder(directory, pictureOptions(config)),
    },
  ],
  downloads: [],
  splits: ['train', 'test'],
};
