/** What every reader of a data set gives back, and the words with which all of them complain. */
import type { DatasetInfo, RawSplit } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';

/** A split whose values are bytes. */
export interface ByteSplit extends RawSplit {
  images: Uint8Array;
}

/** A data set of images in memory. Bytes stand for [0, 1]; order is that of the files. */
export interface LoadedDataset {
  /** [height, width, channels] */
  shape: number[];
  storage: 'uint8';
  classNames: string[];
  train: ByteSplit;
  test: ByteSplit;
  /** The files that were read, with their checksums. */
  sources: DatasetInfo['sources'];
  /** Who made the data and where it comes from, in a sentence. */
  provenance: string;
}

/** What to do about data that was not found. */
export const HOW_TO_NAME_DATA =
  'name the data directory with --data DIR or the environment variable PAG_DATA';

/** `DATA_DAMAGED` for one file: what it should hold and what it holds. */
export function damagedData(path: string, expected: string, found: string, cause?: unknown): PipelineError {
  const message = `Expected ${expected} in ${path}, found ${found}. Replace the file by a fresh copy.`;
  return new PipelineError('DATA_DAMAGED', message, { place: { files: [path] }, cause });
}

/** Throws where a label is not the index of a class. `offset` is what the file adds to the index. */
export function checkLabels(path: string, labels: ArrayLike<number>, classes: number, offset = 0): void {
  for (let i = 0; i < labels.length; i++) {
    if (labels[i]! >= 0 && labels[i]! < classes) continue;
    const range = `labels from ${offset} to ${classes - 1 + offset}`;
    throw damagedData(path, range, `${labels[i]! + offset} for image ${i}`);
  }
}
