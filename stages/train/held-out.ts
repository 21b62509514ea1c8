/** Which training images are trained on, and which are held out to judge the weights by. */
import { PipelineError } from '../../schemas/errors.ts';
import { randomStream } from '../numerics/tensor/random.ts';

/** Indices in the training split, each list in rising order. */
export interface ImageSplit {
  trained: Uint32Array;
  heldOut: Uint32Array;
}

/**
 * Holds out `wanted` images drawn by the seed, one class after the other in turn: as many of each class as far as a
 * class has so many.
 *
 * @param labels class of each training image
 * @throws PipelineError `CONFIG_INVALID` where nothing would be left to train on
 */
export function splitImages(labels: Uint16Array, wanted: number, seed: number): ImageSplit {
  if (wanted >= labels.length) throw nothingLeft(wanted, labels.length);
  const queues = queuesByClass(labels, seed);
  const held = new Set<number>();
  for (let turn = 0; held.size < wanted; turn++) {
    const image = queues[turn % queues.length]!.pop();
    if (image !== undefined) held.add(image);
  }
  const images = Uint32Array.from(labels.keys());
  return {
    trained: images.filter((image) => !held.has(image)),
    heldOut: images.filter((image) => held.has(image)),
  };
}

/** Images of each class that occurs, in random order. */
function queuesByClass(labels: Uint16Array, seed: number): number[][] {
  const order = [...randomStream(seed, 'train-held-out').permutation(labels.length)];
  return [...new Set(labels)]
    .sort((a, b) => a - b)
    .map((label) => order.filter((image) => labels[image] === label));
}

function nothingLeft(wanted: number, count: number): PipelineError {
  return new PipelineError(
    'CONFIG_INVALID',
    `Expected train.validation.images to leave some of the ${count} training images to train on, got ${wanted}; lower it.`,
  );
}
