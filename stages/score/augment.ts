/**
 * Augmentations of which the network is told, so that samples do not show them (Karras et al. 2022, appendix F.1):
 * mirroring left and right, and shifts by whole pixels whose gaps are filled by mirror images.
 */
import type { ScoreConfig } from '../../schemas/score-config.ts';
import type { RandomStream } from '../numerics/tensor/random.ts';

/**
 * Augments one image in place.
 *
 * @param values holds [height, width, channels] at `offset`
 * @returns the label of what was done: mirrored (0 or 1), shifts to the right and downwards (shares of the largest)
 */
export function augmentImage(
  values: Float32Array,
  offset: number,
  shape: readonly number[],
  { probability, flip, shift }: NonNullable<ScoreConfig['augment']>,
  random: RandomStream,
): [number, number, number] {
  const mirrored = flip && random.uniform() < probability && random.uniform() < 0.5;
  const shifted = shift > 0 && random.uniform() < probability;
  const [right, down] = shifted
    ? [random.integer(2 * shift + 1) - shift, random.integer(2 * shift + 1) - shift]
    : [0, 0];
  if (mirrored || right !== 0 || down !== 0) move(values, offset, shape, mirrored, right, down);
  return [mirrored ? 1 : 0, right / Math.max(1, shift), down / Math.max(1, shift)];
}

function move(
  values: Float32Array,
  offset: number,
  shape: readonly number[],
  mirrored: boolean,
  right: number,
  down: number,
): void {
  const [height, width, channels] = shape as [number, number, number];
  const source = values.slice(offset, offset + height * width * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const along = reflected(column - right, width);
      const from = reflected(row - down, height) * width + (mirrored ? width - 1 - along : along);
      const to = offset + (row * width + column) * channels;
      for (let c = 0; c < channels; c++) values[to + c] = source[from * channels + c]!;
    }
  }
}

/** A place outside of 0 … length − 1, reflected at the first and the last one. */
function reflected(place: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((place % period) + period) % period;
  return Math.min(within, period - within);
}
