/** One's own images: train/CLASS/*.png and test/CLASS/*.png, also jpg, jpeg and webp. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import sharp from 'sharp';
import type { DatasetInfo } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { sha256 } from '../content-hash.ts';
import type { DatasetEntry } from './catalogue-entry.ts';
import { type ByteSplit, damagedData, HOW_TO_NAME_DATA, type LoadedDataset } from './loaded-dataset.ts';
import { listFolder } from './source-file.ts';

const SPLITS = ['train', 'test'] as const;
const EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp'];
/** Labels are bytes. */
const MOST_CLASSES = 256;
/** Pictures decoded at the same time. */
const AT_ONCE = 8;

export interface ImageFolderOptions {
  /** Height and width in pixels to which every picture is brought: scaled to cover the square, then cut evenly. */
  size: number;
  /** One channel instead of three. */
  grayscale: boolean;
}

/** The pictures of one class in one split. */
interface ClassFolder {
  directory: string;
  /** Path below the data set, e.g. train/cat. */
  name: string;
  files: string[];
}

/**
 * Classes are sorted by name, pictures within a class too, and so the order is the same on every machine. Camera
 * rotation is undone, transparent parts become black.
 *
 * @param directory folder with train/ and test/
 * @returns images [size, size, 1 or 3]; `sources` has one entry per class folder, its checksum taken over the
 *   names and checksums of its pictures
 */
export async function readImageFolder(
  directory: string,
  { size, grayscale }: ImageFolderOptions,
): Promise<LoadedDataset> {
  const classNames = await classesOf(directory);
  const shape = [size, size, grayscale ? 1 : 3];
  const [train, test] = [
    await readSplit(directory, 'train', classNames, shape),
    await readSplit(directory, 'test', classNames, shape),
  ];
  return {
    shape,
    storage: 'uint8',
    classNames,
    train: train.split,
    test: test.split,
    sources: [...train.sources, ...test.sources],
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

async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return folders.map(({ name }) => name).sort();
}

async function readSplit(
  directory: string,
  split: string,
  classNames: string[],
  shape: number[],
): Promise<{ split: ByteSplit; sources: DatasetInfo['sources'] }> {
  const classes = await Promise.all(classNames.map((name) => listPictures(directory, `${split}/${name}`)));
  const count = classes.reduce((sum, { files }) => sum + files.length, 0);
  const imageSize = shape.reduce((product, side) => product * side, 1);
  const images = new Uint8Array(count * imageSize);
  const labels = new Uint16Array(count);
  const sources: DatasetInfo['sources'] = [];
  let done = 0;
  for (const [label, folder] of classes.entries()) {
    const end = done + folder.files.length;
    labels.fill(label, done, end);
    sources.push(await readClass(folder, shape, images.subarray(done * imageSize, end * imageSize)));
    done = end;
  }
  return { split: { images, labels }, sources };
}

async function listPictures(directory: string, name: string): Promise<ClassFolder> {
  const folder = join(directory, name);
  const entries = await readdir(folder);
  const files = entries.filter((file) => isPicture(file)).sort();
  if (files.length === 0) {
    const message = `Expected pictures (${EXTENSIONS.join(', ')}) in ${folder}, found none. Put some there, or remove the class from train and test.`;
    throw new PipelineError('DATA_MISSING', message);
  }
  return { directory: folder, name, files };
}

function isPicture(file: string): boolean {
  return !file.startsWith('.') && EXTENSIONS.includes(extname(file).toLowerCase());
}

/** Decodes the pictures of a class into `out`, a few at a time. */
async function readClass(
  { directory, name, files }: ClassFolder,
  shape: number[],
  out: Uint8Array,
): Promise<DatasetInfo['sources'][number]> {
  const imageSize = out.length / files.length;
  const checksums: string[] = [];
  let bytes = 0;
  for (let first = 0; first < files.length; first += AT_ONCE) {
    const group = files.slice(first, first + AT_ONCE);
    const pictures = await Promise.all(group.map((file) => readPicture(join(directory, file), shape)));
    pictures.forEach(({ pixels, fileBytes, checksum }, i) => {
      out.set(pixels, (first + i) * imageSize);
      checksums.push(`${group[i]} ${checksum}`);
      bytes += fileBytes;
    });
  }
  return { name, bytes, sha256: sha256(checksums.join('\n')) };
}

async function readPicture(
  path: string,
  [height, width, channels]: number[],
): Promise<{ pixels: Uint8Array; fileBytes: number; checksum: string }> {
  const file = await readFile(path);
  try {
    const pixels = await sharp(file)
      .rotate()
      .flatten()
      .resize(width, height, { fit: 'cover' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
    return { pixels, fileBytes: file.length, checksum: sha256(file) };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw damagedData(path, 'a picture', `a file that cannot be read as one (${reason})`, error);
  }
}

export const imageFolder: DatasetEntry = {
  name: 'folder',
  title: 'pictures of your own, in a folder for each class',
  layouts: [
    {
      folder: null,
      files: [],
      read(directory, { folder, size, grayscale = false }) {
        if (folder === undefined || size === undefined) {
          throw new TypeError(
            'Expected dataset.folder and dataset.size, which the configuration is checked for.',
          );
        }
        return readImageFolder(directory, { size, grayscale });
      },
    },
  ],
  downloads: [],
  splits: ['train', 'test'],
};
