/** STL-10 in the official binary files: https://cs.stanford.edu/~acoates/stl10 describes the format. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { streamFile } from './byte-stream.ts';
import type { DatasetConfig, DatasetEntry } from './catalogue-entry.ts';
import { checkLabels, type DatasetSource, damagedData, type SplitSource } from './dataset-source.ts';
import { fromColumnPlanes, recordSplit } from './records.ts';
import { fileSource, requireFiles } from './source-file.ts';

const SIDE = 96;
/** Red, green and blue plane, each column after column. */
const RECORD = 3 * SIDE * SIDE;

/** In the order of their labels, as in class_names.txt. */
const CLASS_NAMES = ['airplane', 'bird', 'car', 'cat', 'deer', 'dog', 'horse', 'monkey', 'ship', 'truck'];

export const STL10_FILES = ['train_X.bin', 'train_y.bin', 'test_X.bin', 'test_y.bin'];
const UNLABELLED = 'unlabeled_X.bin';

/**
 * @param directory usually named stl10_binary
 * @returns images [96, 96, 3]; the unlabelled ones where the configuration asks for them
 */
export async function readStl10(
  directory: string,
  { unlabelledImages }: Pick<DatasetConfig, 'unlabelledImages'>,
): Promise<DatasetSource> {
  const isWanted = unlabelledImages !== undefined;
  const files = isWanted ? [...STL10_FILES, UNLABELLED] : STL10_FILES;
  await requireFiles('STL-10', directory, files);
  return {
    shape: [SIDE, SIDE, 3],
    classNames: [...CLASS_NAMES],
    train: await labelled(directory, 'train'),
    test: await labelled(directory, 'test'),
    ...(isWanted ? { unlabelled: await images(join(directory, UNLABELLED), null) } : {}),
    sources: await Promise.all(files.map((name) => fileSource(directory, name))),
    provenance: 'STL-10 (Coates, Ng and Lee 2011), binary layout of the official files',
  };
}

async function labelled(directory: string, split: string): Promise<SplitSource> {
  const path = join(directory, `${split}_y.bin`);
  // From 1 on.
  const labels = Array.from(await readFile(path), (label) => label - 1);
  checkLabels(path, labels, CLASS_NAMES.length, 1);
  return images(join(directory, `${split}_X.bin`), Uint16Array.from(labels));
}

async function images(path: string, labels: Uint16Array | null): Promise<SplitSource> {
  const { size } = await stat(path);
  const count = size / RECORD;
  const expected = labels?.length ?? Math.max(1, Math.floor(count));
  if (count !== expected) {
    throw damagedData(path, `${expected} images of ${RECORD} bytes`, `${size} bytes`);
  }
  const open = () => streamFile(path);
  return recordSplit(
    { path, recordBytes: RECORD, imageBytes: RECORD, count, open, decode: fromColumnPlanes },
    labels,
  );
}

export const stl10: DatasetEntry = {
  name: 'stl10',
  title: 'STL-10, photographs of ten kinds of things, and 100,000 without label',
  layouts: [{ folder: 'stl10_binary', files: STL10_FILES, optional: [UNLABELLED], read: readStl10 }],
  downloads: [
    {
      name: 'stl10_binary.tar.gz',
      bytes: 2_640_397_119,
      // md5 as in torchvision's datasets/stl10.py, sha256 as in TensorFlow Datasets' url_checksums/stl10.txt.
      md5: '91f7769df0f17e558f3565bffb0c7dfb',
      sha256: 'f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866',
      urls: ['http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz'],
      into: 'stl10_binary',
      archive: 'tar.gz',
      strip: 1,
    },
  ],
  splits: ['train', 'test', 'unlabelled'],
};
