/** What the norms of Square Attack have in common: where a window lies, what is drawn, and what each norm has to say. */
import type { RandomStream } from '../tensor/random.ts';
import type { Problem } from './attack.ts';

/** All that Square Attack draws by chance. */
export interface Draws {
  /** One of so many places, from 0. */
  place(places: number): number;
  sign(): 1 | -1;
  coin(): boolean;
}

export function drawsFrom(random: RandomStream): Draws {
  return {
    place: (places) => random.integer(places),
    sign: () => (random.uniform() < 0.5 ? -1 : 1),
    coin: () => random.uniform() < 0.5,
  };
}

/** Rows and columns of an image. */
export interface Window {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** Height, width and channels of an image whose values lie in this order. */
export interface Grid {
  height: number;
  width: number;
  channels: number;
}

export interface Moves {
  /** The point of the ball and the box that the search starts from. */
  start(): Float32Array;
  /**
   * Changes x, which is equal to `best` before, to the next point to try.
   *
   * @param share of the pixels that a window covers
   * @returns the windows outside of which x is still equal to `best`
   */
  propose(x: Float32Array, best: Float32Array, share: number): readonly Window[];
}

export type MovesOf = (problem: Problem, grid: Grid, draws: Draws) => Moves;

/** A square window of this side, in one of all places where it fits. */
export function drawWindow(side: number, { height, width }: Grid, draws: Draws): Window {
  const top = draws.place(height - side + 1);
  const left = draws.place(width - side + 1);
  return { top, left, height: side, width: side };
}

/** Copies what lies in a window from one image to another. */
export function copyWindow(from: Float32Array, to: Float32Array, window: Window, grid: Grid): void {
  const length = window.width * grid.channels;
  for (let row = window.top; row < window.top + window.height; row++) {
    const first = (row * grid.width + window.left) * grid.channels;
    for (let i = first; i < first + length; i++) to[i] = from[i]!;
  }
}
