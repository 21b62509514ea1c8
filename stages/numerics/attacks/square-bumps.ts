/**
 * Square Attack in L2 (Andriushchenko et al. 2020, algorithm 3) and, as its authors carried it over for AutoAttack, in L1.
 * The start is a chequerboard of bumps. A proposal moves length from one window into another: the second is emptied, the
 * first gets a new bump on top of what it has, as long as both windows were together and what was left of the ball.
 */
import type { Box } from './norms.ts';
import { type Draws, drawWindow, type Grid, type Moves, type MovesOf, type Window } from './square-moves.ts';
import { oddWindowSide } from './square-schedule.ts';

/** In what the norms differ. Lengths are counted as Σ |d|^power, so that those of disjoint windows add up. */
export interface BumpRule {
  power: 1 | 2;
  /** What the chequerboard, of this length, is multiplied by. */
  startFactor(length: number, eps: number): number;
  /** Σ |d|^power that one channel of a window gets: `own` it had in both windows, `spare` is left of the ball. */
  allotment(own: number, spare: number, channels: number): number;
}

/** Keeps denominators from 0, as the official code does. */
const TINY = 1e-12;

/** Above this, relative to the ball, a length is more than rounding. */
const ROUNDING = 1e-6;

/** Bumps by power and side; few sides occur. */
const known = new Map<string, Float64Array>();

/**
 * η of the paper (eq. 2): a window whose upper half has one peak and whose lower half the same one turned down, of length 1,
 * [side, side].
 */
export function bump(side: number, power: 1 | 2): Float64Array {
  const key = `${side}/${power}`;
  const made = known.get(key) ?? makeBump(side, power);
  known.set(key, made);
  return made;
}

function makeBump(side: number, power: 1 | 2): Float64Array {
  const upper = side >> 1;
  const halves = [...peak(upper, side, power), ...peak(side - upper, side, power).map((value) => -value)];
  return scaledToOne(Float64Array.from(halves), power);
}

/** Σ 1/(k + 1)² (in L1 1/(k + 1)⁴) over the squares around the centre that reach a pixel, [rows, columns], of length 1. */
function peak(rows: number, columns: number, power: 1 | 2): Float64Array {
  const [middle, centre] = [rows >> 1, columns >> 1];
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

/** Bumps side by side, each with a sign of its own in each channel, in the middle of an image, [height, width, channels]. */
function chequerboard({ height, width, channels }: Grid, draws: Draws, power: 1 | 2): Float32Array {
  const delta = new Float32Array(height * width * channels);
  const side = Math.max(Math.floor(Math.min(height, width) / 5), 1);
  const margin = (length: number) => (length % side) >> 1;
  for (let top = margin(height); top + side <= height; top += side) {
    for (let left = margin(width); left + side <= width; left += side) {
      const values = bump(side, power);
      const isTurned = draws.coin();
      for (let channel = 0; channel < channels; channel++) {
        const sign = draws.sign();
        for (let i = 0; i < values.length; i++) {
          const [row, column] = isTurned
            ? [i % side, Math.floor(i / side)]
            : [Math.floor(i / side), i % side];
          delta[((top + row) * width + left + column) * channels + channel] = sign * values[i]!;
        }
      }
    }
  }
  return delta;
}

/** Σ |b − a|^power. */
function measure(a: Float32Array, b: Float32Array, power: 1 | 2): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const d = b[i]! - a[i]!;
    sum += power === 2 ? d * d : Math.abs(d);
  }
  return sum;
}

const contains = ({ top, left, height, width }: Window, row: number, column: number) =>
  row >= top && row < top + height && column >= left && column < left + width;

export const bumpMoves =
  (rule: BumpRule): MovesOf =>
  ({ image, eps, box, norm }, grid, draws): Moves => {
    const { height, width, channels } = grid;
    const { power } = rule;
    const own = new Float64Array(channels);
    const first = new Float64Array(channels);
    const fresh = new Float64Array(channels);
    let mixed = new Float64Array(0);

    /** Adds Σ |d|^power of each channel of a window to `sums`, but for what lies in `besides`. */
    function addWindow(sums: Float64Array, best: Float32Array, window: Window, besides: Window | null): void {
      for (let row = window.top; row < window.top + window.height; row++) {
        for (let column = window.left; column < window.left + window.width; column++) {
          if (besides !== null && contains(besides, row, column)) continue;
          const i = (row * width + column) * channels;
          for (let channel = 0; channel < channels; channel++) {
            const d = best[i + channel]! - image[i + channel]!;
            sums[channel]! += power === 2 ? d * d : Math.abs(d);
          }
        }
      }
    }

    /** The new bump on what the window has, both of length 1 in each channel: into `mixed`, its Σ |v|^power into `fresh`. */
    function mix(best: Float32Array, window: Window): void {
      const side = window.width;
      const values = bump(side, power);
      const isTurned = draws.coin();
      const signs = Array.from({ length: channels }, () => draws.sign());
      const lengths = Array.from(first, (sum) => TINY + sum ** (1 / power));
      if (mixed.length < side * side * channels) mixed = new Float64Array(side * side * channels);
      fresh.fill(0);
      let at = 0;
      for (let row = 0; row < side; row++) {
        let i = ((window.top + row) * width + window.left) * channels;
        for (let column = 0; column < side; column++) {
          const value = values[isTurned ? column * side + row : row * side + column]!;
          for (let channel = 0; channel < channels; channel++, i++, at++) {
            const v = value * signs[channel]! + (best[i]! - image[i]!) / lengths[channel]!;
            mixed[at] = v;
            fresh[channel]! += power === 2 ? v * v : Math.abs(v);
          }
        }
      }
    }

    /** Writes `mixed` into x, each channel multiplied by a factor, and clips it. */
    function write(x: Float32Array, window: Window, factors: readonly number[], limits: Box): void {
      const [low, high] = limits ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      let at = 0;
      for (let row = window.top; row < window.top + window.height; row++) {
        let i = (row * width + window.left) * channels;
        for (let column = 0; column < window.width; column++) {
          for (let channel = 0; channel < channels; channel++, i++, at++) {
            x[i] = Math.max(low, Math.min(image[i]! + mixed[at]! * factors[channel]!, high));
          }
        }
      }
    }

    function empty(x: Float32Array, window: Window): void {
      for (let row = window.top; row < window.top + window.height; row++) {
        const begin = (row * width + window.left) * channels;
        for (let i = begin; i < begin + window.width * channels; i++) x[i] = image[i]!;
      }
    }

    return {
      start() {
        const delta = chequerboard(grid, draws, power);
        const length = delta.reduce((sum, value) => sum + Math.abs(value) ** power, 0) ** (1 / power);
        const factor = rule.startFactor(length, eps);
        return norm.project(
          delta.map((value, i) => image[i]! + value * factor),
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
        addWindow(first, best, filled, null);
        own.set(first);
        addWindow(own, best, emptied, filled);
        mix(best, filled);

        const before = measure(image, best, power);
        const spare = eps ** power - before;
        let after = before;
        const factors = Array.from(own, (sum, channel) => {
          const allotted = Math.max(rule.allotment(sum, spare, channels), 0);
          after += allotted - sum;
          return allotted ** (1 / power) / (TINY + fresh[channel]! ** (1 / power));
        });
        const isTooLong = after > eps ** power * (1 + ROUNDING);
        empty(x, emptied);
        write(x, filled, factors, isTooLong ? null : box);
        if (!isTooLong) return [filled, emptied];
        norm.project(x, image, eps, box);
        return [{ top: 0, left: 0, height, width }];
      },
    };
  };
