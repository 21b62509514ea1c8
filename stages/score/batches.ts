/** Training batches of the score model: step k is a pure function of (seed, k), so a resumed run needs no replay. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { type DataScale, toScaled } from '../numerics/diffusion/data-scale.ts';
import { randomStream } from '../numerics/tensor/random.ts';

/** One batch. */
export interface ScoreBatch {
  /** Scaled images, [batch × size]. */
  clean: Float32Array;
  /** The same with noise of standard deviation sigma. */
  noisy: Float32Array;
  /** [batch] */
  sigma: Float32Array;
  /** [batch × classes]; a row of zeros where the class was dropped. */
  oneHot: Float32Array;
}

/**
 * Images in a fresh random order each epoch; ln σ normal (Karras et al. 2022, table 1); the class dropped with
 * probability `classDropout`, which makes one network serve as conditional and unconditional (Ho and Salimans 2022).
 *
 * @param step counted from 0
 */
export function scoreBatch(
  { train, size, info }: Dataset,
  scale: DataScale,
  config: ExperimentConfig['score'],
  step: number,
): ScoreBatch {
  const { batchSize, seed = 0 } = config;
  const classes = info.classNames.length;
  const random = randomStream(seed, 'score-batch', step);
  const clean = new Float32Array(batchSize * size);
  const sigma = new Float32Array(batchSize);
  const oneHot = new Float32Array(batchSize * classes);
  for (let i = 0; i < batchSize; i++) {
    const image = drawnImage(seed, train.count, step * batchSize + i);
    train.copyImage(image, clean, i * size);
    sigma[i] = Math.exp(config.pMean + config.pStd * random.normal());
    if (random.uniform() >= config.classDropout) oneHot[i * classes + train.labels[image]!] = 1;
  }
  toScaled(clean, scale);
  const noisy = clean.map((value, j) => value + sigma[Math.floor(j / size)]! * random.normal());
  return { clean, noisy, sigma, oneHot };
}

const orders = new Map<string, Uint32Array>();

/** The image at a place of the endless sequence of epochs, each in its own random order. */
function drawnImage(seed: number, count: number, place: number): number {
  const epoch = Math.floor(place / count);
  const name = `${seed}/${count}/${epoch}`;
  let order = orders.get(name);
  if (order === undefined) {
    // Neighbouring epochs meet in one batch; older ones are not needed again.
    if (orders.size > 1) orders.delete(orders.keys().next().value!);
    order = randomStream(seed, 'score-order', epoch).permutation(count);
    orders.set(name, order);
  }
  return order[place % count]!;
}
