/** The shapes of which Square Attack makes its perturbations in L2 and L1. */
import type { Draws, Grid } from './square-moves.ts';

/** Bumps by side and power; few sides occur. */
const known = new Map<number, Float64Array>();

/**
 * η of the paper (eq. 2): one peak in the upper half of a square and the same one turned down in the lower half, of length
 * 1 together, [side, side].
 *
 * @param power of the norm
 */
export function bump(side: number, power: 1 | 2): Float64Array {
  const key = 2 * side + power;
  const made = known.get(key) ?? makeBump(side, power);
  known.set(key, made);
  return made;
}

function makeBump(side: number, power: 1 | 2): Float64Array {
  const upper = side >> 1;
  const halves = [...peak(upper, side, power), ...peak(side - upper, side, power).map((value) => -value)];
  return scaledToOne(Float64Array.from(halves), power);
}

/**
 * Squares of side 2k + 1 around the centre, each as high as 1/(k + 1)², in L1 as 1/(k + 1)⁴, on top of each other; then
 * scaled to length 1, [rows, columns].
 */
function peak(rows: number, columns: number, power: 1 | 2): Float64Array {
  const [middle, centre] = [rows >> 1, columns >> 1];
  // By distance from the centre; nothing lies on top of the widest square.
  const heights = new Float64Array(Math.max(middle, centre) + 2);
  for (let k = heights.length - 2; k >= 0; k--) heights[k] = heights[k + 1]! + (k + 1) ** (-4 / power);
  const values = Float64Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return heights[Math.max(Math.abs(row - middle), Math.abs(column - centre))]!;
  });
  return scaledToOne(values, power);
}

function scaledToOne(values: Float64Array, power: 1 | 2): Float64Array {
  const length = values.reduce((sum, value) => sum + Math.abs(value) ** power, 0) ** (1 / power);
  return values.map((value) => value / length);
}

/**
 * Bumps side by side in the middle of the image, each a fifth of its shorter side wide, but at least a pixel; each stands or
 * lies, and has a sign of its own in each channel. [height, width, channels]
 */
export function chequerboard({ height, width, channels }: Grid, power: 1 | 2, draws: Draws): Float32Array {
  const delta = new Float32Array(height * width * channels);
  const side = Math.max(Math.floor(Math.min(height, width) / 5), 1);
  const values = bump(side, power);
  const margin = (length: number) => (length % side) >> 1;
  for (let top = margin(height); top + side <= height; top += side) {
    for (let left = margin(width); left + side <= width; left += side) {
      const isTurned = draws.coin();
      for (let channel = 0; channel < channels; channel++) {
        const sign = draws.sign();
        for (let i = 0; i < values.length; i++) {
          const [across, along] = [Math.floor(i / side), i % side];
          const [row, column] = isTurned ? [along, across] : [across, along];
          delta[((top + row) * width + left + column) * channels + channel] = sign * values[i]!;
        }
      }
    }
  }
  return delta;
}
