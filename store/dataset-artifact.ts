/** The dataset artifact: `dataset.json`, `train.arrow` and `test.arrow`, written by one stage and read by all others. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DatasetInfo, datasetInfoSchema, type RawSplit } from '../schemas/dataset.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { readImageTable, writeImageTable } from './shards/image-table.ts';

/** One split in the units in which the rest of the pipeline calculates. */
export interface Split {
  count: number;
  /** Class index of each image. */
  labels: Uint16Array;
  /** Copies image `index` to `out` at `offset`, in data units: [0, 1] for images, raw for points. */
  copyImage(index: number, out: Float32Array, offset: number): void;
  /** The images with these indices, [count, ...shape] flattened. */
  gather(indices: ArrayLike<number>): Float32Array;
  /** Images `first` … `first + count − 1`, [count, ...shape] flattened. */
  slice(first: number, count: number): Float32Array;
}

/** A data set in memory, in the storage type of its artifact. */
export interface Dataset {
  info: DatasetInfo;
  /** Values of one image. */
  size: number;
  train: Split;
  test: Split;
}

export async function writeDataset(
  directory: string,
  info: DatasetInfo,
  train: RawSplit,
  test: RawSplit,
): Promise<void> {
  await writeImageTable(join(directory, 'train.arrow'), train, info.shape, info.storage);
  await writeImageTable(join(directory, 'test.arrow'), test, info.shape, info.storage);
  await writeFileAtomic(join(directory, 'dataset.json'), `${JSON.stringify(info, null, 2)}\n`);
}

/** The description alone, without the images. */
export async function readDatasetInfo(directory: string): Promise<DatasetInfo> {
  return datasetInfoSchema.parse(JSON.parse(await readFile(join(directory, 'dataset.json'), 'utf8')));
}

export async function readDataset(directory: string): Promise<Dataset> {
  const info = await readDatasetInfo(directory);
  const size = info.shape.reduce((product, side) => product * side, 1);
  const open = async (name: string) => viewSplit(await readImageTable(join(directory, name)), size);
  return { info, size, train: await open('train.arrow'), test: await open('test.arrow') };
}

/** @param size values of one image */
export function viewSplit({ images, labels }: RawSplit, size: number): Split {
  const scale = images instanceof Uint8Array ? 1 / 255 : 1;
  const copyImage = (index: number, out: Float32Array, offset: number) => {
    const start = index * size;
    for (let i = 0; i < size; i++) out[offset + i] = images[start + i]! * scale;
  };
  const gather = (indices: ArrayLike<number>) => {
    const out = new Float32Array(indices.length * size);
    for (let i = 0; i < indices.length; i++) copyImage(indices[i]!, out, i * size);
    return out;
  };
  return {
    count: labels.length,
    labels,
    copyImage,
    gather,
    slice: (first, count) => gather(Array.from({ length: count }, (_, i) => first + i)),
  };
}
