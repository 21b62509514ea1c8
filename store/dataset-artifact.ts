/** The dataset artifact: `dataset.json` and a table for each split, written by one stage and read by all others. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type DatasetInfo,
  datasetInfoSchema,
  type ImageStream,
  type RawSplit,
  SPLIT_NAMES,
  type SplitName,
  type SplitStatistics,
} from '../schemas/dataset.ts';
import { sizeOf } from '../schemas/shape.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { countLabels, imageStatistics } from './datasets/image-statistics.ts';
import { openImageTable, writeImageTable } from './shards/image-table.ts';
import type { ImageTable } from './shards/read-image-table.ts';

/** Splits whose images fit into so many bytes together are held in memory. */
const MEMORY_BYTES = 2 ** 30;

/** One split in the units in which the rest of the pipeline calculates. */
export interface Split {
  count: number;
  /** Class index of each image; empty where the images have none. */
  labels: Uint16Array;
  /** [top, left, height, width] in pixels, count × 4, where the data set has such regions (`info.region`). */
  regions?: Float32Array;
  /** Copies image `index` to `out` at `offset`, in data units: [0, 1] for images, raw for points. */
  copyImage(index: number, out: Float32Array, offset: number): void;
  /** The images with these indices, [count, ...shape] flattened. */
  gather(indices: ArrayLike<number>): Float32Array;
  /** Images `first` … `first + count − 1`, [count, ...shape] flattened. */
  slice(first: number, count: number): Float32Array;
}

/** A data set, in memory or, where it is large, on disk, in the storage type of its artifact. */
export interface Dataset {
  info: DatasetInfo;
  /** Values of one image. */
  size: number;
  train: Split;
  test: Split;
  /** Held out from training by the data set or by `dataset.validation`. */
  validation?: Split;
  unlabelled?: Split;
}

/** What is written; counts and statistics of `info` are found on the way. */
export type Splits = { train: RawSplit | ImageStream; test: RawSplit | ImageStream } & Partial<
  Record<SplitName, RawSplit | ImageStream>
>;

/** Writes an artifact; memory is that of one record batch and one block of images. */
export async function writeDataset(directory: string, info: DatasetInfo, splits: Splits): Promise<void> {
  const statistics: Partial<Record<SplitName, SplitStatistics>> = {};
  for (const name of SPLIT_NAMES) {
    const split = splits[name];
    if (split === undefined) continue;
    const gathered = imageStatistics(info.storage, info.shape.at(-1)!);
    const path = join(directory, `${name}.arrow`);
    await writeImageTable(path, split, info.shape, info.storage, gathered.add);
    const result = gathered.result();
    if (result === null) continue;
    const counts = split.labels === null ? {} : { counts: countLabels(split.labels, info.classNames.length) };
    statistics[name] = { ...counts, ...result };
  }
  const text = JSON.stringify({ ...info, statistics }, null, 2);
  await writeFileAtomic(join(directory, 'dataset.json'), `${text}\n`);
}

/** The description alone, without the images. */
export async function readDatasetInfo(directory: string): Promise<DatasetInfo> {
  return datasetInfoSchema.parse(JSON.parse(await readFile(join(directory, 'dataset.json'), 'utf8')));
}

/**
 * Opens an artifact. Splits are taken into memory as long as they fit into `memoryBytes`, the small ones first; the
 * images of the others stay on disk and are read when they are asked for.
 */
export async function readDataset(
  directory: string,
  { memoryBytes = MEMORY_BYTES }: { memoryBytes?: number } = {},
): Promise<Dataset> {
  const info = await readDatasetInfo(directory);
  const size = sizeOf(info.shape);
  const names = SPLIT_NAMES.filter((name) => isIn(info, name));
  const tables = await Promise.all(
    names.map(async (name) => ({ name, table: await openImageTable(join(directory, `${name}.arrow`)) })),
  );
  tables.sort((a, b) => a.table.bytes - b.table.bytes);
  const splits: Partial<Record<SplitName, Split>> = {};
  let used = 0;
  for (const { name, table } of tables) {
    used += table.bytes;
    splits[name] = used <= memoryBytes ? splitInMemory(table, size) : splitOnDisk(table, size);
  }
  const { train, test, ...others } = splits as Splits & Record<SplitName, Split>;
  return { info, size, train, test, ...others };
}

function isIn(info: DatasetInfo, name: SplitName): boolean {
  return info[`${name}Count`] !== undefined;
}

function splitInMemory(table: ImageTable, size: number): Split {
  const { labels, regions, count } = table;
  const split = viewSplit({ images: table.readAll(), labels }, size);
  return { ...split, count, ...(regions === undefined ? {} : { regions }) };
}

/** @param size values of one image */
export function viewSplit({ images, labels }: RawSplit, size: number): Split {
  const copyImage = (index: number, out: Float32Array, offset: number) => {
    toUnits(images.subarray(index * size, (index + 1) * size), out, offset);
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

/** Bytes to [0, 1], coordinates as they are. */
function toUnits(values: Uint8Array | Float32Array, out: Float32Array, offset: number): void {
  if (values instanceof Float32Array) out.set(values, offset);
  else for (let i = 0; i < values.length; i++) out[offset + i] = values[i]! * (1 / 255);
}

function splitOnDisk(table: ImageTable, size: number): Split {
  const { labels, regions, count } = table;
  /** Images `first` … `first + run − 1` to `out` at `offset`. */
  const copyRun = (first: number, run: number, out: Float32Array, offset: number) => {
    const values = table.storage === 'uint8' ? new Uint8Array(run * size) : new Float32Array(run * size);
    table.read(first, run, new Uint8Array(values.buffer));
    toUnits(values, out, offset);
  };
  return {
    count,
    labels,
    ...(regions === undefined ? {} : { regions }),
    copyImage: (index, out, offset) => copyRun(index, 1, out, offset),
    gather(indices) {
      const out = new Float32Array(indices.length * size);
      for (let i = 0; i < indices.length; i++) copyRun(indices[i]!, 1, out, i * size);
      return out;
    },
    slice(first, run) {
      const out = new Float32Array(run * size);
      copyRun(first, run, out, 0);
      return out;
    },
  };
}
