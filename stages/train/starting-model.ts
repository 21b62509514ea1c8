/** Fine-tuning: the model folder that training starts from, and whether it fits the data. */
import { resolve } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { TrainConfig } from '../../schemas/train-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { modelFingerprint } from '../../store/model-fingerprint.ts';
import { readClassifier, type StoredClassifier } from '../numerics/networks/trained-classifier.ts';

/**
 * The model in `train.from`, a path relative to the working directory.
 *
 * @throws PipelineError `CONFIG_INVALID` where its inputs or classes are not those of the data, `DATA_DAMAGED` where
 *   its files have changed since the run was planned, and what {@link readClassifier} throws
 */
export async function readStartingModel(
  from: string,
  { fromFingerprint }: Pick<TrainConfig, 'fromFingerprint'>,
  { info }: Dataset,
): Promise<StoredClassifier> {
  const directory = resolve(from);
  const found = await modelFingerprint(directory);
  if (fromFingerprint !== undefined && found !== fromFingerprint)
    throw changed(directory, fromFingerprint, found);
  const stored = await readClassifier(directory);
  const { shape, classNames } = stored.model;
  if (shape.join() !== info.shape.join()) {
    throw misfit(from, `inputs of shape [${info.shape}]`, `a model for [${shape}]`, info.name);
  }
  if (classNames.length !== info.classNames.length) {
    throw misfit(from, `${info.classNames.length} classes`, `a model of ${classNames.length}`, info.name);
  }
  return stored;
}

function misfit(from: string, expected: string, found: string, dataset: string): PipelineError {
  return new PipelineError(
    'CONFIG_INVALID',
    `Expected train.from to be a model for ${expected}, as the data set ${dataset} has, found ${found} in ${from}; ` +
      'choose a model that was trained on such data, or leave train.from out.',
  );
}

function changed(directory: string, planned: string, found: string): PipelineError {
  return new PipelineError(
    'DATA_DAMAGED',
    `Expected the model in ${directory} to be as it was when this run was planned (checksum ${planned}), found ` +
      `${found}; run the same command again, which plans with the model as it is now.`,
  );
}
