/** Training batches of the score model: step k is a pure function of (seed, k), so a resumed run needs no replay. */
import { AUGMENTATIONS } from '../../schemas/score-config.ts';
import { toScaled } from '../numerics/diffusion/data-scale.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { augmentImage } from './augment.ts';
import { sigmaSource } from './noise-levels.ts';
import type { ScoreSetting } from './setting.ts';

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
  /** Labels of augmentations, [batch × 3]; undefined where there are none. */
  augmentation: Float32Array | undefined;
}

/**
 * Images in a fresh random order each epoch; the class dropped with probability `classDropout`, which makes one
 * network serve as conditional and unconditional (Ho and Salimans 2022).
 *
 * @param step counted from 0
 */
export function scoreBatch(setting: ScoreSetting, step: number): ScoreBatch {
  const { config, dataset, scale } = setting;
  const { train, size, info } = dataset;
  const { batchSize, seed = 0 } = config;
  const classes = info.classNames.length;
  const random = randomStream(seed, 'score-batch', step);
  const drawSigma = sigmaSource(config);
  const clean = new Float32Array(batchSize * size);
  const sigma = new Float32Array(batchSize);
  const oneHot = new Float32Array(batchSize * classes);
  for (let i = 0; i < batchSize; i++) {
    const image = drawnImage(seed, train.count, step * batchSize + i);
    train.copyImage(image, clean, i * size);
    sigma[i] = drawSigma(random);
    if (random.uniform() >= config.classDropout) oneHot[i * classes + train.labels[image]!] = 1;
  }
  const augmentation = augmentBatch(setting, clean, step);
  toScaled(clean, scale);
  const noisy = clean.map((value, j) => value + sigma[Math.floor(j / size)]! * random.normal());
  return { clean, noisy, sigma, oneHot, augmentation };
}

/** Augments the images in place; returns the labels. */
function augmentBatch(
  { config: { augment, batchSize, seed = 0 }, dataset: { size, info } }: ScoreSetting,
  clean: Float32Array,
  step: number,
): Float32Array | undefined {
  if (augment === undefined) return undefined;
  const labels = new Float32Array(batchSize * AUGMENTATIONS);
  for (let i = 0; i < batchSize; i++) {
    const random = randomStream(seed, 'score-augment', step, i);
    labels.set(augmentImage(clean, i * size, info.shape, augment, random), i * AUGMENTATIONS);
  }
  return labels;
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
