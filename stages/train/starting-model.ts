/** Fine-tuning: the model folder that training starts from, and whether it fits the data. */
import { PipelineError } from '../../schemas/errors.ts';
import type { TrainConfig } from '../../schemas/train-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { plannedModel } from '../../store/model-fingerprint.ts';
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
  const stored = await readClassifier(await plannedModel(from, fromFingerprint));
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
