/** Mean and standard deviation of the training images, for `normalization: dataset`. */
import type { Normalization } from '../../schemas/network-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';

/** Below this a channel counts as constant and is left as wide as it is. */
const SMALLEST_DEVIATION = 1e-6;

/** Over all training images, for each channel (the last axis). */
export function channelMoments({ train, info, size }: Dataset): Normalization {
  const channels = info.shape.at(-1)!;
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const image = new Float32Array(size);
  for (let i = 0; i < train.count; i++) {
    train.copyImage(i, image, 0);
    for (let j = 0; j < size; j++) {
      const channel = j % channels;
      sums[channel]! += image[j]!;
      squares[channel]! += image[j]! ** 2;
    }
  }
  const count = (train.count * size) / channels;
  const mean = Array.from(sums, (sum) => sum / count);
  const std = mean.map((value, c) => {
    const deviation = Math.sqrt(Math.max(0, squares[c]! / count - value ** 2));
    return deviation < SMALLEST_DEVIATION ? 1 : deviation;
  });
  return { mean, std };
}
