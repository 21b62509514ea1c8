/**
 * Moves an image, or a target gradient of it, by the same rule: g(Tx) is taken as T g(x), which holds for any move
 * of pixels. What comes in from outside is zero.
 */
import type { Move } from './sampler.ts';

/**
 * In place.
 *
 * @param values holds [height, width, channels] at `offset`
 */
export function applyMove(values: Float32Array, offset: number, shape: readonly number[], move: Move): void {
  const { down, right, mirrored } = move;
  if (down === 0 && right === 0 && !mirrored) return;
  const [height, width, channels] = shape as [number, number, number];
  const source = values.slice(offset, offset + height * width * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = row - down;
      const along = column - right;
      const inside = from >= 0 && from < height && along >= 0 && along < width;
      const pixel = (from * width + (mirrored ? width - 1 - along : along)) * channels;
      const to = offset + (row * width + column) * channels;
      for (let c = 0; c < channels; c++) values[to + c] = inside ? source[pixel + c]! : 0;
    }
  }
}
