/** Reads the data set that a section of the configuration names. */
import { PipelineError } from '../../schemas/errors.ts';
import { entryOf } from './catalogue.ts';
import type { DatasetConfig, FileDatasetName } from './catalogue-entry.ts';
import { type DatasetSource, HOW_TO_NAME_DATA } from './dataset-source.ts';
import { placeOf } from './find-datasets.ts';

/**
 * @param dataDirectory null where there is none
 * Throws `DATA_MISSING` or `DATA_DAMAGED`.
 */
export async function readFiles(
  name: FileDatasetName,
  dataDirectory: string | null,
  config: DatasetConfig,
): Promise<DatasetSource> {
  const entry = entryOf(name);
  const place = await placeOf(entry, dataDirectory, config);
  if (place !== null) return place.layout.read(place.directory, config);
  const folder = config.folder ?? entry.layouts[0].folder;
  const message = `Expected a data directory with the folder ${folder}, found none: ${HOW_TO_NAME_DATA}.`;
  throw new PipelineError('DATA_MISSING', message);
}
