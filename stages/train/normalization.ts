/** The normalisation that a classifier begins with: as it is written, or measured on the images that are trained on. */
import { PipelineError } from '../../schemas/errors.ts';
import type { Normalization } from '../../schemas/network-config.ts';
import type { TrainConfig } from '../../schemas/train-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';

/** Below this a channel counts as constant and is left as wide as it is. */
const SMALLEST_DEVIATION = 1e-6;

/**
 * @param trained indices of the images that are trained on
 * @throws PipelineError `CONFIG_INVALID` where it has another number of values than the data has channels
 */
export function normalizationOf(
  { normalization }: Pick<TrainConfig, 'normalization'>,
  dataset: Dataset,
  trained: Uint32Array,
): Normalization {
  if (normalization === 'dataset') return channelMoments(dataset, trained);
  const channels = dataset.info.shape.at(-1)!;
  for (const [name, values] of Object.entries(normalization)) {
    if (Array.isArray(values) && values.length !== channels) throw otherChannels(name, values, dataset);
  }
  return normalization;
}

/** Mean and standard deviation of each channel (the last axis) over the images; 1 where a channel is constant. */
export function channelMoments({ train, info, size }: Dataset, images: Uint32Array): Normalization {
  const channels = info.shape.at(-1)!;
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const values = new Float32Array(size);
  for (const image of images) {
    train.copyImage(image, values, 0);
    for (let j = 0; j < size; j++) {
      const channel = j % channels;
      sums[channel]! += values[j]!;
      squares[channel]! += values[j]! ** 2;
    }
  }
  const count = (images.length * size) / channels;
  const mean = Array.from(sums, (sum) => sum / count);
  const std = mean.map((value, c) => {
    const deviation = Math.sqrt(Math.max(0, squares[c]! / count - value ** 2));
    return deviation < SMALLEST_DEVIATION ? 1 : deviation;
  });
  return { mean, std };
}

function otherChannels(name: string, values: number[], { info }: Dataset): PipelineError {
  const channels = info.shape.at(-1)!;
  return new PipelineError(
    'CONFIG_INVALID',
    `Expected train.normalization.${name} to be one number or one for each channel of ${info.name} (${channels}), ` +
      `got ${values.length} numbers; write ${channels}, or one number for all channels.`,
  );
}
