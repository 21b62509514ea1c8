/**
 * Downsampled ImageNet, 64×64 (Chrabaszcz, Loshchilov and Hutter 2017), in the .npz batches or the pickled batches of
 * the official release. 1.28 million images: batches are read as streams.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetEntry, Download } from './catalogue-entry.ts';
import { checkLabels, type DatasetSource, damagedData, type SplitSource } from './dataset-source.ts';
import { readLabelArray, readNpz } from './npy.ts';
import { type BatchForm, readPickledBatch } from './pickled-batch.ts';
import { fromPlanes, joinSplits, recordSplit } from './records.ts';
import { fileSource, listFolder, requireFiles } from './source-file.ts';

const SIDE = 64;
const IMAGE = 3 * SIDE * SIDE;
const CLASSES = 1000;
const FORM: BatchForm = { imageBytes: IMAGE, labelKey: 'labels', classes: CLASSES, firstLabel: 1 };
const BATCHES = [...Array.from({ length: 10 }, (_, i) => `train_data_batch_${i + 1}`), 'val_data'];
const ARRAYS = BATCHES.map((name) => `${name}.npz`);
/** `SYNSET NUMBER NAME` for each class, in the authors' repository of scripts; its numbers are those of the labels. */
const NAMES = 'map_clsloc.txt';

/** @returns images [64, 64, 3]; the validation images serve as test split, as those of the test have no labels */
async function readBatches(
  directory: string,
  files: readonly string[],
  read: (path: string) => SplitSource | Promise<SplitSource>,
): Promise<DatasetSource> {
  await requireFiles('ImageNet-64', directory, files);
  const batches: SplitSource[] = [];
  for (const name of files) batches.push(await read(join(directory, name)));
  return {
    shape: [SIDE, SIDE, 3],
    classNames: await classNames(directory),
    train: joinSplits(batches.slice(0, -1)),
    test: batches.at(-1)!,
    sources: await Promise.all(files.map((name) => fileSource(directory, name))),
    provenance:
      'ImageNet downsampled to 64×64 (Chrabaszcz, Loshchilov and Hutter 2017), batches of the official files',
  };
}

async function readArrays(path: string): Promise<SplitSource> {
  const arrays = await readNpz(path);
  const [data, numbers] = [arrays.get('data'), arrays.get('labels')];
  const count = data?.shape[0] ?? 0;
  if (
    data === undefined ||
    data.dtype !== '|u1' ||
    data.isFortran ||
    data.shape.join() !== `${count},${IMAGE}`
  ) {
    const found = data === undefined ? 'none' : `${data.dtype} [${data.shape.join()}]`;
    throw damagedData(path, `an array data of bytes [n,${IMAGE}]`, found);
  }
  const labels = numbers === undefined ? [] : (await readLabelArray(numbers)).map((label) => label - 1);
  if (labels.length !== count) throw damagedData(path, `${count} labels`, String(labels.length));
  checkLabels(path, labels, CLASSES, 1);
  return recordSplit(
    { path, recordBytes: IMAGE, imageBytes: IMAGE, count, open: data.open, decode: fromPlanes },
    Uint16Array.from(labels),
  );
}

/** Numbers of the classes, or their names where the list of them is there. */
async function classNames(directory: string): Promise<string[]> {
  const names = Array.from({ length: CLASSES }, (_, i) => String(i + 1));
  if (!(await listFolder(directory)).includes(NAMES)) return names;
  const path = join(directory, NAMES);
  for (const line of (await readFile(path, 'utf8')).trim().split('\n')) {
    const [, number, name] = /^\S+ (\d+) (\S+)\s*$/.exec(line) ?? [];
    if (name === undefined || names[Number(number) - 1] === undefined) {
      throw damagedData(path, 'lines of synset, number and name', JSON.stringify(line.slice(0, 40)));
    }
    names[Number(number) - 1] = name;
  }
  return names;
}

/** Sizes and sha256 as in TensorFlow Datasets' url_checksums/imagenet_resized.txt; the site asks for an account. */
function download(name: string, bytes: number, sha256: string): Download {
  const urls = [`https://image-net.org/data/downsample/${name}`];
  return { name, bytes, sha256, urls, into: 'imagenet64', archive: 'zip', strip: 1 };
}

export const imagenet64: DatasetEntry = {
  name: 'imagenet64',
  title: 'ImageNet downsampled to 64×64, a thousand classes',
  layouts: [
    {
      folder: 'imagenet64',
      files: ARRAYS,
      optional: [NAMES],
      read: (directory) => readBatches(directory, ARRAYS, readArrays),
    },
    {
      folder: 'imagenet64',
      files: BATCHES,
      optional: [NAMES],
      read: (directory) => readBatches(directory, BATCHES, (path) => readPickledBatch(path, FORM)),
    },
  ],
  downloads: [
    download(
      'Imagenet64_train_part1_npz.zip',
      6_783_426_789,
      '9422dc1dc5d092e9814a70a1cb7fc74880d2db5d88a0cb8a34ee363b12bde3f1',
    ),
    download(
      'Imagenet64_train_part2_npz.zip',
      6_780_506_068,
      '9fafc115afb7e6c301e66dc16b2d737152b427bd5dab26e1293487a6819c7f30',
    ),
    download(
      'Imagenet64_val_npz.zip',
      529_522_927,
      'e1e75133158a1924135a9c6f97a80d2d237b158945e0b34074e58e6c8430eeb8',
    ),
  ],
  splits: ['train', 'test'],
  byHand:
    'The site gives the files to those who have an account there and accept its terms (image-net.org/download).',
};
