/** All data sets that are read from files, in the order in which they are listed. */
import type { DatasetEntry, FileDatasetName } from './catalogue-entry.ts';
import { cifar10, cifar100 } from './cifar.ts';
import { cub200 } from './cub200.ts';
import { imageFolder } from './image-folder.ts';
import { imagenet, restrictedImagenet } from './imagenet.ts';
import { imagenet64 } from './imagenet64.ts';
import { fashionMnist, mnist } from './mnist.ts';
import { mnistDistractor } from './mnist-distractor.ts';
import { numpyArrays } from './numpy-arrays.ts';
import { parquet } from './parquet.ts';
import { stl10 } from './stl10.ts';
import { svhn } from './svhn.ts';
import { usps } from './usps.ts';

export const CATALOGUE: readonly DatasetEntry[] = [
  usps,
  mnist,
  mnistDistractor,
  fashionMnist,
  cifar10,
  cifar100,
  svhn,
  stl10,
  imagenet64,
  imagenet,
  restrictedImagenet,
  cub200,
  imageFolder,
  parquet,
  numpyArrays,
];

export function entryOf(name: FileDatasetName): DatasetEntry {
  return CATALOGUE.find((entry) => entry.name === name)!;
}
