/** The data sets that are read from files, by the name that the experiment file uses. */
import { join } from 'node:path';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { readCifar10 } from './cifar10.ts';
import { DATASET_FOLDERS, uspsDirectory } from './find-datasets.ts';
import { readImageFolder } from './image-folder.ts';
import { HOW_TO_NAME_DATA, type LoadedDataset } from './loaded-dataset.ts';
import { readMnist } from './mnist.ts';
import { readUsps } from './usps.ts';

type DatasetConfig = ExperimentConfig['dataset'];
export type FileDatasetName = Exclude<DatasetConfig['name'], 'toy'>;

/**
 * Reads a data set from the data directory (null where there is none) as its section of the configuration says.
 * Throws `DATA_MISSING` or `DATA_DAMAGED`.
 */
export type DatasetReader = (dataDirectory: string | null, config: DatasetConfig) => Promise<LoadedDataset>;

export const readers: Record<FileDatasetName, DatasetReader> = {
  usps: async (dataDirectory) => readUsps(await uspsDirectory(dataDirectory)),
  mnist: async (dataDirectory) => readMnist(folderBelow(dataDirectory, DATASET_FOLDERS.mnist)),
  cifar10: async (dataDirectory) => readCifar10(folderBelow(dataDirectory, DATASET_FOLDERS.cifar10)),
  folder: async (dataDirectory, { folder, size, grayscale = false }) => {
    if (folder === undefined || size === undefined) {
      throw new TypeError(
        'Expected dataset.folder and dataset.size, which the configuration is checked for.',
      );
    }
    return readImageFolder(folderBelow(dataDirectory, folder), { size, grayscale });
  },
};

function folderBelow(dataDirectory: string | null, folder: string): string {
  if (dataDirectory !== null) return join(dataDirectory, folder);
  const message = `Expected a data directory with the folder ${folder}, found none: ${HOW_TO_NAME_DATA}.`;
  throw new PipelineError('DATA_MISSING', message);
}
