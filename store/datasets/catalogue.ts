/** All data sets that are read from files, in the order in which they are listed. */
import type { DatasetEntry, FileDatasetName } from './catalogue-entry.ts';
import { cifar10 } from './cifar10.ts';
import { imageFolder } from './image-folder.ts';
import { mnist } from './mnist.ts';
import { usps } from './usps.ts';

export const CATALOGUE: readonly DatasetEntry[] = [usps, mnist, cifar10, imageFolder];

export function entryOf(name: FileDatasetName): DatasetEntry {
  return CATALOGUE.find((entry) => entry.name === name)!;
}
