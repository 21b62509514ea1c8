/**
 * Square Attack in L∞ (Andriushchenko et al. 2020, algorithm 2): each value is ε above or below its clean one. The start
 * has vertical stripes one pixel wide; a proposal sets one square window, in each channel, to one side.
 */
import { drawWindow, type MovesOf } from './square-moves.ts';
import { windowSide } from './square-schedule.ts';

export const linfMoves: MovesOf = ({ image, eps, box }, grid, draws) => {
  const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const { height, width, channels } = grid;
  const signs = new Int8Array(width * channels);
  const shifted = (i: number, sign: number) => Math.max(low, Math.min(image[i]! + sign * eps, high));

  return {
    start() {
      for (let i = 0; i < signs.length; i++) signs[i] = draws.sign();
      return image.map((_, i) => shifted(i, signs[i % signs.length]!));
    },

    propose(x, _best, share) {
      const window = drawWindow(windowSide(share, height, width), grid, draws);
      for (let channel = 0; channel < channels; channel++) signs[channel] = draws.sign();
      for (let row = window.top; row < window.top + window.height; row++) {
        let i = (row * width + window.left) * channels;
        for (let column = 0; column < window.width; column++) {
          for (let channel = 0; channel < channels; channel++, i++) x[i] = shifted(i, signs[channel]!);
        }
      }
      return [window];
    },
  };
};
