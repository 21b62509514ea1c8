/**
 * One's own arrays, as numpy saves them, in a folder: SPLIT_images.npy and SPLIT_labels.npy, or SPLIT.npz with images
 * and labels, or one .npz with SPLIT_images and SPLIT_labels. SPLIT is train, test and, where there are any, val.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import { sizeOf } from '../../schemas/shape.ts';
import type { DatasetEntry } from './catalogue-entry.ts';
import {
  checkLabels,
  classesByNumber,
  type DatasetSource,
  damagedData,
  HOW_TO_NAME_DATA,
  type SplitSource,
} from './dataset-source.ts';
import { type NpyArray, readLabelArray, readNpy, readNpz } from './npy.ts';
import { recordSplit } from './records.ts';
import { fileSource, listFolder } from './source-file.ts';

const CLASS_NAMES = 'classes.txt';

interface Pair {
  images: NpyArray;
  labels: NpyArray;
}

/** @returns images [h, w, c] as they are; class names are the lines of classes.txt, or numbers */
export async function readNumpyArrays(directory: string): Promise<DatasetSource> {
  const arrays = await readArrays(directory);
  const pair = (split: string): Pair | undefined => {
    const [images, labels] = [arrays.get(`${split}_images`), arrays.get(`${split}_labels`)];
    return images === undefined || labels === undefined ? undefined : { images, labels };
  };
  const [train, test, validation] = [pair('train'), pair('test'), pair('val')];
  if (train === undefined || test === undefined) {
    const message = `Expected the arrays train_images, train_labels, test_images and test_labels in ${directory}, as NAME.npy, in train.npz and test.npz as images and labels, or all in one .npz, found ${[...arrays.keys()].sort().join(', ') || 'none'}. Put them there, or ${HOW_TO_NAME_DATA}.`;
    throw new PipelineError('DATA_MISSING', message);
  }
  const shape = shapeOf(train.images);
  const labels = await Promise.all(
    [train, test, validation].map((given) => (given === undefined ? [] : readLabelArray(given.labels))),
  );
  const classNames = await namesOf(directory, train.labels.path, labels[0]!);
  const split = ({ images, labels: { path } }: Pair, i: number) =>
    splitOf(images, path, labels[i]!, shape, classNames.length);
  const files = (await listFolder(directory)).includes(CLASS_NAMES) ? [CLASS_NAMES] : [];
  files.push(...(await filesOf(directory)));
  return {
    shape,
    classNames,
    train: split(train, 0),
    test: split(test, 1),
    ...(validation === undefined ? {} : { validation: split(validation, 2) }),
    sources: await Promise.all(files.sort().map((name) => fileSource(directory, name))),
    provenance: 'Arrays as numpy saves them',
  };
}

/** Names of the files with arrays, without hidden ones, which other systems leave behind. */
async function filesOf(directory: string): Promise<string[]> {
  return (await listFolder(directory)).filter((name) => /^[^.].*\.np[yz]$/.test(name)).sort();
}

/** All arrays of a folder by SPLIT_images and SPLIT_labels. */
async function readArrays(directory: string): Promise<Map<string, NpyArray>> {
  const arrays = new Map<string, NpyArray>();
  for (const file of await filesOf(directory)) {
    const path = join(directory, file);
    const stem = file.slice(0, -4);
    if (file.endsWith('.npy')) arrays.set(stem, await readNpy(path));
    if (!file.endsWith('.npz')) continue;
    for (const [name, array] of await readNpz(path)) {
      arrays.set(/^(train|test|val)$/.test(stem) ? `${stem}_${name}` : name, array);
    }
  }
  return arrays;
}

/** [n, h, w, c] or [n, h, w] of bytes. */
function shapeOf({ path, dtype, shape, isFortran }: NpyArray): number[] {
  const [, height, width, channels = 1] = shape;
  const isImages =
    height! > 0 && width! > 0 && (shape.length === 3 || (shape.length === 4 && [1, 3].includes(channels)));
  if (dtype === '|u1' && !isFortran && isImages) return [height!, width!, channels];
  const order = isFortran ? ' in Fortran order' : '';
  throw damagedData(
    path,
    'bytes (uint8) [n, height, width] or [n, height, width, 1 or 3] in C order',
    `${dtype} [${shape.join(', ')}]${order}`,
  );
}

async function namesOf(directory: string, labelPath: string, labels: number[]): Promise<string[]> {
  if ((await listFolder(directory)).includes(CLASS_NAMES)) {
    const text = await readFile(join(directory, CLASS_NAMES), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => line.trim());
  }
  return classesByNumber(labelPath, labels);
}

function splitOf(
  images: NpyArray,
  labelPath: string,
  labels: number[],
  shape: number[],
  classes: number,
): SplitSource {
  const [path, count] = [images.path, images.shape[0]!];
  if (shapeOf(images).join() !== shape.join()) {
    throw damagedData(
      path,
      `images [${shape.join(', ')}] as for training`,
      `[${shapeOf(images).join(', ')}]`,
    );
  }
  if (labels.length !== count) {
    throw damagedData(labelPath, `${count} labels, one for each image in ${path},`, String(labels.length));
  }
  checkLabels(labelPath, labels, classes);
  const imageBytes = sizeOf(shape);
  return recordSplit(
    { path, recordBytes: imageBytes, imageBytes, count, open: images.open },
    Uint16Array.from(labels),
  );
}

export const numpyArrays: DatasetEntry = {
  name: 'numpy',
  title: 'arrays of your own, as numpy saves them',
  layouts: [{ folder: null, files: [], read: readNumpyArrays }],
  downloads: [],
  splits: ['train', 'validation', 'test'],
};
