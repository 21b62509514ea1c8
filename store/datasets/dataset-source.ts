/** What every reader of a data set gives back, and the words with which all of them complain. */
import { type DatasetInfo, type ImageBlock, numberedClasses, type RawSplit } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { translateReadError } from '../read-error.ts';

/** Images of a run that is taken from memory at once. */
const BLOCK_IMAGES = 1024;
/** Labels have 16 bits. */
export const MOST_CLASSES = 65_536;

/** One split: labels at once, so that a part can be chosen by them, and then the images of that part. */
export interface SplitSource {
  count: number;
  /** Class of each image, in the order of the files; null where the images have none. */
  labels: Uint16Array | null;
  /** The images with these indices, which must rise, in blocks of any size. Other images cost as little as can be. */
  read(indices: Uint32Array): AsyncIterable<ImageBlock>;
}

/** A data set of images. Bytes stand for [0, 1]; order is that of the files. */
export interface DatasetSource {
  /** [height, width, channels] */
  shape: number[];
  classNames: string[];
  train: SplitSource;
  test: SplitSource;
  validation?: SplitSource;
  unlabelled?: SplitSource;
  /** What {@link ImageBlock.regions} surround, where the blocks have them. */
  region?: string;
  /** The files that were read, with their checksums; complete once all images wanted have been read. */
  readonly sources: DatasetInfo['sources'];
  /** Who made the data and where it comes from, in a sentence. */
  provenance: string;
}

/** A split whose images are in memory. */
export interface ByteSplit extends RawSplit, SplitSource {
  images: Uint8Array;
  labels: Uint16Array;
}

/** A data set whose images are in memory. */
export interface ByteDataset extends DatasetSource {
  train: ByteSplit;
  test: ByteSplit;
}

export function memorySplit(images: Uint8Array, labels: Uint16Array): ByteSplit {
  const size = images.length / labels.length;
  async function* read(indices: Uint32Array) {
    for (let first = 0; first < indices.length; first += BLOCK_IMAGES) {
      const chosen = indices.subarray(first, first + BLOCK_IMAGES);
      const block = new Uint8Array(chosen.length * size);
      chosen.forEach((index, i) => {
        block.set(images.subarray(index * size, (index + 1) * size), i * size);
      });
      yield { images: block };
    }
  }
  return { images, labels, count: labels.length, read };
}

/** What to do about data that was not found. */
export const HOW_TO_NAME_DATA =
  'name the data directory with --data DIR or the environment variable PAG_DATA';

/** `DATA_DAMAGED` for one file: what it should hold and what it holds. A file that was not allowed to be read is not damaged. */
export function damagedData(path: string, expected: string, found: string, cause?: unknown): PipelineError {
  const translated = translateReadError(cause);
  if (translated instanceof PipelineError) return translated;
  const message = `Expected ${expected} in ${path}, found ${found.replace(/\.$/, '')}. Replace the file by a fresh copy.`;
  return new PipelineError('DATA_DAMAGED', message, { place: { files: [path] }, cause });
}

/** Throws where a label is not the index of a class, a whole number. `offset` is what the file adds to the index. */
export function checkLabels(path: string, labels: ArrayLike<number>, classes: number, offset = 0): void {
  for (let i = 0; i < labels.length; i++) {
    if (Number.isInteger(labels[i]) && labels[i]! >= 0 && labels[i]! < classes) continue;
    const range = `labels from ${offset} to ${classes - 1 + offset}`;
    throw damagedData(path, range, `${labels[i]! + offset} for image ${i}`);
  }
}

/** Names of classes that have none: numbers up to the largest label. Throws where a label cannot be one. */
export function classesByNumber(path: string, labels: readonly number[]): string[] {
  checkLabels(path, labels, MOST_CLASSES);
  return numberedClasses(labels.reduce((most, label) => Math.max(most, label), 0) + 1);
}
