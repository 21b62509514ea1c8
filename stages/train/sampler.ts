/**
 * Which images, targets and shifts a step sees: pure functions of (seed, epoch, image), so that training resumes in
 * mid-epoch without replay, and every image of a batch is shifted on its own.
 */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { randomStream } from '../numerics/tensor/random.ts';

/** The images that are trained on in the order in which an epoch sees them. */
export function epochOrder(seed: number, epoch: number, trained: Uint32Array): Uint32Array {
  return randomStream(seed, 'train-order', epoch)
    .permutation(trained.length)
    .map((position) => trained[position]!);
}

/** Targets of an image, by their slots in the store: all in order, or `wanted` different ones drawn at random. */
export function slotsOf(
  seed: number,
  epoch: number,
  image: number,
  slots: number,
  wanted: number | 'all',
): Uint32Array {
  if (wanted === 'all' || wanted >= slots) return Uint32Array.from({ length: slots }, (_, i) => i);
  return randomStream(seed, 'train-targets', epoch, image).permutation(slots).subarray(0, wanted);
}

/** How an image is moved: `down` and `right` in pixels, and whether it is mirrored first. */
export interface Move {
  down: number;
  right: number;
  mirrored: boolean;
}

/** The move of an image in an epoch. */
export function moveOf(
  seed: number,
  epoch: number,
  image: number,
  { shift, flip }: ExperimentConfig['train']['augment'],
): Move {
  if (shift === 0 && !flip) return { down: 0, right: 0, mirrored: false };
  const random = randomStream(seed, 'train-move', epoch, image);
  const offset = () => random.integer(2 * shift + 1) - shift;
  return { down: offset(), right: offset(), mirrored: flip && random.uniform() < 0.5 };
}
