/** Assembles training batches: images, labels, and for each of T targets a class and its gradient. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { GradientReader } from '../../store/shards/gradient-reader.ts';
import { applyMove } from './augment.ts';
import { epochOrder, type Move, moveOf, slotsOf } from './sampler.ts';

/** One target of every image of a batch. */
export interface BatchTarget {
  /** Class index, [batch]. */
  classes: Uint16Array;
  /** g(x, class), [batch × size]. */
  gradient: Float32Array;
}

export interface TrainBatch {
  /** Indices in the training split. */
  images: Uint32Array;
  /** [batch × size], in data units. */
  x: Float32Array;
  labels: Uint16Array;
  /** Empty for training without alignment. */
  targets: BatchTarget[];
}

/** Makes the batch of a step, a pure function of (seed, step). Steps are counted from 0 through all epochs. */
export type BatchMaker = (step: number) => Promise<TrainBatch>;

/** @param trained indices of the images that are trained on */
export function stepsPerEpoch(trained: Uint32Array, { batchSize }: ExperimentConfig['train']): number {
  return Math.ceil(trained.length / batchSize);
}

/**
 * @param trained indices of the images that are trained on
 * @param reader the gradient store, or null for training without alignment
 */
export function makeBatches(
  dataset: Dataset,
  trained: Uint32Array,
  config: ExperimentConfig['train'],
  reader: GradientReader | null,
): BatchMaker {
  const seed = config.seed ?? 0;
  const perEpoch = stepsPerEpoch(trained, config);
  let order: { epoch: number; images: Uint32Array } | null = null;
  return async (step) => {
    const epoch = Math.floor(step / perEpoch);
    if (order?.epoch !== epoch) order = { epoch, images: epochOrder(seed, epoch, trained) };
    const first = (step % perEpoch) * config.batchSize;
    const images = order.images.subarray(first, first + config.batchSize);
    const moves = Array.from(images, (image) => moveOf(seed, epoch, image, config.augment));
    const targets = reader === null ? [] : await readTargets(dataset, config, reader, images, epoch, moves);
    return { images, targets, ...readImages(dataset, images, moves) };
  };
}

function readImages(
  { train, size, info }: Dataset,
  images: Uint32Array,
  moves: readonly Move[],
): { x: Float32Array; labels: Uint16Array } {
  const x = train.gather(images);
  moves.forEach((move, i) => {
    applyMove(x, i * size, info.shape, move);
  });
  return { x, labels: Uint16Array.from(images, (image) => train.labels[image]!) };
}

async function readTargets(
  { size, info }: Dataset,
  config: ExperimentConfig['train'],
  reader: GradientReader,
  images: Uint32Array,
  epoch: number,
  moves: readonly Move[],
): Promise<BatchTarget[]> {
  const seed = config.seed ?? 0;
  const slots = reader.info.targets;
  const classes = await reader.classesOf(images);
  const chosen = Array.from(images, (image) => slotsOf(seed, epoch, image, slots, config.targetsPerImage));
  const count = chosen[0]!.length;
  // One read for all: the rows of an image are neighbours in the store. Target by target, they come to where they stay.
  const rows = Array.from({ length: count * images.length }, (_, row) => {
    const i = row % images.length;
    return { image: images[i]!, target: chosen[i]![Math.floor(row / images.length)]! };
  });
  const gradients = new Float32Array(rows.length * size);
  await reader.read(rows, gradients);
  rows.forEach((_, row) => {
    applyMove(gradients, row * size, info.shape, moves[row % images.length]!);
  });
  return Array.from({ length: count }, (_, k) => ({
    classes: Uint16Array.from(chosen, (picked, i) => classes[i * slots + picked[k]!]!),
    gradient: gradients.subarray(k * images.length * size, (k + 1) * images.length * size),
  }));
}
