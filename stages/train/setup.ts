/** From a configuration and a data set to what stays fixed during training: network, method, optimiser; and its start. */
import { PipelineError } from '../../schemas/errors.ts';
import type { Normalization } from '../../schemas/network-config.ts';
import type { TrainConfig } from '../../schemas/train-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { Classifier } from '../numerics/networks/network.ts';
import { makeClassifier } from '../numerics/networks/registry.ts';
import { makeOptimizer } from '../numerics/optimizers/registry.ts';
import { makeMethod } from './methods/registry.ts';
import { normalizationOf } from './normalization.ts';
import type { TrainSetting } from './setting.ts';
import { readStartingModel } from './starting-model.ts';

export interface Setup {
  setting: TrainSetting;
  normalization: Normalization;
  /** The weights to start from, parameters and then running statistics; null where they are to be drawn. */
  start: Float32Array | null;
  /** Batches that each batch norm had seen at the start, by PyTorch's name. */
  batchesBefore(name: string): number;
}

/** A step's setting: the method and the optimiser of the configuration around a network. */
export function settingOf(
  config: TrainConfig,
  network: Classifier,
  shape: readonly number[],
  classes: number,
  box: TrainSetting['box'],
): TrainSetting {
  const optimizer = makeOptimizer(config.optimizer);
  return { network, method: makeMethod(config), shape, classes, box, config, optimizer };
}

/**
 * @param trained indices of the images that are trained on
 * @throws PipelineError `CONFIG_INVALID` where settings do not fit the data or each other
 */
export async function setUp(given: TrainConfig, dataset: Dataset, trained: Uint32Array): Promise<Setup> {
  refuseMovesOfPoints(given, dataset);
  const { shape, classNames, box } = dataset.info;
  const stored = given.from === undefined ? null : await readStartingModel(given.from, given, dataset);
  const config = stored === null ? given : { ...given, network: stored.model.network };
  const normalization = stored?.model.normalization ?? normalizationOf(given, dataset, trained);
  const network = makeClassifier(config.network, shape, classNames.length, normalization);
  refuseMicroBatches(config, network);
  const setting = settingOf(config, network, shape, classNames.length, box);
  const { flat = null, batchesTracked = () => 0 } = stored?.weights ?? {};
  return { setting, normalization, start: flat, batchesBefore: batchesTracked };
}

/** The statistics of a part of a batch are not those of the batch, so the result would be another. */
function refuseMicroBatches({ microBatch, network: { kind } }: TrainConfig, network: Classifier): void {
  if (microBatch === undefined || network.buffers.length === 0) return;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected train.microBatch to be left out for the network ${kind}, whose batch norms look at the whole batch, ` +
      `got ${microBatch}; remove it (train.targetsAtOnce bounds the memory), or lower train.batchSize.`,
  );
}

function refuseMovesOfPoints({ augment: { shift, flip } }: TrainConfig, { info }: Dataset): void {
  if (info.shape.length === 3 || (shift === 0 && !flip)) return;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected train.augment to be off for the data set ${info.name}, whose inputs are points of shape ` +
      `[${info.shape}], got shift ${shift}, flip ${flip}; remove train.augment.`,
  );
}
