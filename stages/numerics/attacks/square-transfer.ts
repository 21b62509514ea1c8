/**
 * Square Attack in L2 (Andriushchenko et al. 2020, algorithm 3) and, as the official AutoAttack has it, in L1. The start is
 * a chequerboard of bumps. A proposal moves length from one window into another: the second is emptied, and the first gets
 * a new bump on top of what it has, as long as both windows were together and what was left of the ball.
 */
import { bump, chequerboard } from './square-bumps.ts';
import { drawWindow, type MovesOf, type Window } from './square-moves.ts';
import { oddWindowSide } from './square-schedule.ts';

/** In what the norms differ. Lengths are counted as Σ |d|^power, so that those of disjoint windows add up. */
export interface TransferRule {
  power: 1 | 2;
  /** What the chequerboard, of this length, is multiplied by. */
  startFactor(length: number, eps: number): number;
  /** Σ |d|^power that a window gets in one channel: `own` is what both had there, `spare` what is left of the ball. */
  allotment(own: number, spare: number, channels: number): number;
}

/** Keeps denominators from 0, as the official code does. */
const TINY = 1e-12;

/** A length above the radius by more than this share of it is no rounding. */
const ROUNDING = 1e-6;

/** |d|^power, and the root that undoes it, without the slow general power. */
const powerOf = (d: number, power: 1 | 2) => (power === 2 ? d * d : Math.abs(d));
const rootOf = (sum: number, power: 1 | 2) => (power === 2 ? Math.sqrt(sum) : sum);

/** Σ |b − a|^power */
function lengthBetween(a: Float32Array, b: Float32Array, power: 1 | 2): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += powerOf(b[i]! - a[i]!, power);
  return sum;
}

export const transferMoves =
  ({ power, startFactor, allotment }: TransferRule): MovesOf =>
  ({ image, eps, box, norm }, grid, draws) => {
    const { height, width, channels } = grid;
    const whole = eps ** power;
    const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const perChannel = () => new Float64Array(channels);
    // Σ |d|^power in the window to be filled, in both windows, and of what is to be filled in.
    const [first, both, fresh] = [perChannel(), perChannel(), perChannel()];
    const [signs, lengths, factors] = [perChannel(), perChannel(), perChannel()];
    // What is to be filled in, before it is brought to its length.
    let mixed = new Float64Array(0);

    /** Index of the first value of a window in one row of the image. */
    const indexOf = (row: number, window: Window) => (row * width + window.left) * channels;

    /** Adds Σ |d|^power of each channel of a window to `sums`, without what lies in `besides`. */
    function addWindow(
      sums: Float64Array,
      best: Float32Array,
      window: Window,
      besides: Window | null = null,
    ): void {
      for (let row = window.top; row < window.top + window.height; row++) {
        const isCut = besides !== null && row >= besides.top && row < besides.top + besides.height;
        let i = indexOf(row, window);
        for (let column = window.left; column < window.left + window.width; column++) {
          if (isCut && column >= besides.left && column < besides.left + besides.width) {
            i += channels;
            continue;
          }
          for (let channel = 0; channel < channels; channel++, i++) {
            sums[channel]! += powerOf(best[i]! - image[i]!, power);
          }
        }
      }
    }

    /** The new bump and what the window has, both of length 1 in each channel. */
    function mix(best: Float32Array, window: Window): void {
      const side = window.width;
      const values = bump(side, power);
      const [down, right] = draws.coin() ? [1, side] : [side, 1];
      for (let channel = 0; channel < channels; channel++) {
        signs[channel] = draws.sign();
        lengths[channel] = TINY + rootOf(first[channel]!, power);
        fresh[channel] = 0;
      }
      if (mixed.length < side * side * channels) mixed = new Float64Array(side * side * channels);
      let at = 0;
      for (let row = 0; row < side; row++) {
        let i = indexOf(window.top + row, window);
        for (let column = 0; column < side; column++) {
          const value = values[row * down + column * right]!;
          for (let channel = 0; channel < channels; channel++, i++, at++) {
            const v = value * signs[channel]! + (best[i]! - image[i]!) / lengths[channel]!;
            mixed[at] = v;
            fresh[channel]! += powerOf(v, power);
          }
        }
      }
    }

    function empty(x: Float32Array, window: Window): void {
      for (let row = window.top; row < window.top + window.height; row++) {
        const begin = indexOf(row, window);
        for (let i = begin; i < begin + window.width * channels; i++) x[i] = image[i]!;
      }
    }

    function fill(x: Float32Array, window: Window, isClipped: boolean): void {
      let at = 0;
      for (let row = window.top; row < window.top + window.height; row++) {
        let i = indexOf(row, window);
        for (let column = 0; column < window.width; column++) {
          for (let channel = 0; channel < channels; channel++, i++, at++) {
            const value = image[i]! + mixed[at]! * factors[channel]!;
            x[i] = isClipped ? Math.max(low, Math.min(value, high)) : value;
          }
        }
      }
    }

    /** Says what each channel of the mixture is to be multiplied by, and returns Σ |d|^power that x will have. */
    function allot(before: number): number {
      let after = before;
      for (let channel = 0; channel < channels; channel++) {
        const allotted = Math.max(allotment(both[channel]!, whole - before, channels), 0);
        after += allotted - both[channel]!;
        factors[channel] = rootOf(allotted, power) / (TINY + rootOf(fresh[channel]!, power));
      }
      return after;
    }

    return {
      start() {
        const delta = chequerboard(grid, power, draws);
        const length = rootOf(lengthBetween(new Float32Array(delta.length), delta, power), power);
        const factor = startFactor(length, eps);
        return norm.project(
          image.map((value, i) => value + delta[i]! * factor),
          image,
          eps,
          box,
        );
      },

      propose(x, best, share) {
        const side = oddWindowSide(share, height, width);
        const filled = drawWindow(side, grid, draws);
        const emptied = drawWindow(side, grid, draws);
        first.fill(0);
        addWindow(first, best, filled);
        both.set(first);
        addWindow(both, best, emptied, filled);
        mix(best, filled);
        const isTooLong = allot(lengthBetween(image, best, power)) > whole * (1 + ROUNDING);
        empty(x, emptied);
        // The projection has to see what sticks out of the box.
        fill(x, filled, !isTooLong);
        if (!isTooLong) return [filled, emptied];
        norm.project(x, image, eps, box);
        return [{ top: 0, left: 0, height, width }];
      },
    };
  };
