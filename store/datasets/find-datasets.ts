/** Which data sets are there, and where; looks at names only. */
import { join } from 'node:path';
import { CIFAR10_FILES } from './cifar10.ts';
import { MNIST_FILES } from './mnist.ts';
import { listFolder } from './source-file.ts';
import { bundledUspsDirectory, USPS_FILES } from './usps.ts';

/** Folders below the data directory, named as the official archives unpack. */
export const DATASET_FOLDERS = { usps: 'usps', mnist: 'mnist', cifar10: 'cifar-10-batches-bin' } as const;

export interface FoundDataset {
  name: keyof typeof DATASET_FOLDERS;
  found: boolean;
  /** Folder in which it is, or in which it is looked for; empty where there is no data directory. */
  where: string;
}

/** Folder of the USPS files: the data directory's own where it has any of them, else the bundled copy. */
export async function uspsDirectory(dataDirectory: string | null): Promise<string> {
  if (dataDirectory === null) return bundledUspsDirectory();
  const own = join(dataDirectory, DATASET_FOLDERS.usps);
  const names = await listFolder(own);
  return USPS_FILES.some((name) => names.includes(name)) ? own : bundledUspsDirectory();
}

/** The data sets that have a fixed form and place; folders of pictures are named in the experiment file. */
export async function findDatasets(dataDirectory: string | null): Promise<FoundDataset[]> {
  const inData = (folder: string): string => (dataDirectory === null ? '' : join(dataDirectory, folder));
  const usps = await uspsDirectory(dataDirectory);
  const mnist = inData(DATASET_FOLDERS.mnist);
  const cifar10 = inData(DATASET_FOLDERS.cifar10);
  return [
    { name: 'usps', found: await hasAll(usps, USPS_FILES), where: usps },
    { name: 'mnist', found: await hasAll(mnist, MNIST_FILES), where: mnist },
    { name: 'cifar10', found: await hasAll(cifar10, CIFAR10_FILES), where: cifar10 },
  ];
}

/** Whether the folder has each file, packed or not. */
async function hasAll(directory: string, files: string[]): Promise<boolean> {
  if (directory === '') return false;
  const names = await listFolder(directory);
  return files.every((file) => names.includes(file) || names.includes(`${file}.gz`));
}
