/**
 * What each coordinate can do for the way onto a hyperplane. Half of the comparisons here and in the files beside it
 * come out either way as by chance, which a processor guesses wrong at the price of many operations; so they are
 * turned into numbers, `+(a > b)`, that nothing has to wait for.
 */

/** Lists for one step, shared by all: what is in them is good until the next one. */
interface Descent {
  /** How far the coordinate can go before it leaves the box. */
  rooms: Float64Array;
  /** |w|: by how much w·z comes nearer to b for a unit of the way. 0 where the coordinate is to stay. */
  sizes: Float64Array;
  /** Which way leads there: 1 up, −1 down, 0 where the coordinate is to stay. */
  directions: Float64Array;
}

/** Coordinates of so little weight stay where they are in L2 and L1, as in the official code. */
export const LEAST_WEIGHT = 1e-8;

/** Where data have no bounds, as good as infinite; but 0 times this is 0. */
const FAR = 1e100;

const ends = new Float64Array(2);

let shared: Descent = emptyDescent(0);

function emptyDescent(size: number): Descent {
  const list = () => new Float64Array(size);
  return { rooms: list(), sizes: list(), directions: list() };
}

/** @param least coordinates of no larger weight stay */
export function descend(
  point: Float32Array,
  w: Float32Array,
  excess: number,
  box: readonly [number, number] | null,
  least: number,
): Descent {
  if (shared.rooms.length !== w.length) shared = emptyDescent(w.length);
  const { rooms, sizes, directions } = shared;
  [ends[0], ends[1]] = box ?? [-FAR, FAR];
  const side = excess < 0 ? -1 : 1;
  for (let i = 0; i < w.length; i++) {
    const slope = side * w[i]!;
    const goesUp = +(slope < -least);
    const moves = goesUp + +(slope > least);
    rooms[i] = Math.abs(point[i]! - ends[goesUp]!);
    sizes[i] = Math.abs(slope) * moves;
    directions[i] = 2 * goesUp - moves;
  }
  return shared;
}
