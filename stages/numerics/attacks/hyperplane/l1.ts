/** Shortest in L1: the coordinates of most weight go as far as the box lets them, one goes part of the way, the rest stay. */
import { descend, LEAST_WEIGHT } from './descent.ts';
import type { Hyperplane } from './hyperplane.ts';

let [weights, gains] = [new Float64Array(0), new Float64Array(0)];

export const l1: Hyperplane = {
  steepness(w) {
    let largest = 0;
    for (let i = 0; i < w.length; i++) largest = Math.max(largest, Math.abs(w[i]!));
    return largest;
  },
  stepOnto(point, w, excess, box, step) {
    const { rooms, sizes, directions } = descend(point, w, excess, box, LEAST_WEIGHT);
    if (weights.length !== w.length)
      [weights, gains] = [new Float64Array(w.length), new Float64Array(w.length)];
    let count = 0;
    for (let i = 0; i < w.length; i++) {
      const size = sizes[i]!;
      weights[count] = size;
      gains[count] = size * rooms[i]!;
      count += +(size > 0);
    }
    const { weight, rest } = findLast(count, Math.abs(excess));
    // What coordinates of just this weight have to bring, in their order.
    let missing = rest;
    let length = 0;
    for (let i = 0; i < w.length; i++) {
      const size = sizes[i]!;
      let reach = 0;
      if (size > 0 && size >= weight) {
        reach = size > weight ? rooms[i]! : Math.min(rooms[i]!, missing / size);
        if (size === weight) missing -= reach * size;
      }
      step[i] = directions[i]! * reach;
      length += reach;
    }
    return length;
  },
};

/**
 * The weight at which the gains of all larger weights and of this one first make the total, and what the larger ones
 * leave for this one to bring; weight 0 where all gains do not make it. As in quickselect, each trial leaves one side of
 * a weight in question: a few times n operations in all.
 *
 * @param count so many weights and gains are looked at, and reordered
 */
function findLast(count: number, total: number): { weight: number; rest: number } {
  let first = 0;
  let end = count;
  let rest = total;
  // All larger weights are known to make the total.
  let enough = 0;
  while (first < end) {
    const pivot = weights[(first + end) >> 1]!;
    const equal = gather(first, end, pivot, 0);
    const larger = gainOf(first, equal);
    if (equal > first && larger >= rest) {
      end = equal;
      enough = pivot;
      continue;
    }
    rest -= larger;
    first = gather(equal, end, pivot, 1);
    const gain = gainOf(equal, first);
    if (gain >= rest) return { weight: pivot, rest };
    rest -= gain;
  }
  // Rounding alone can lead here if the total is made.
  return { weight: enough, rest };
}

/** Moves the weights above a bound, or with `orEqual` those equal to it too, to the front; returns where the others begin. */
function gather(first: number, end: number, bound: number, orEqual: 0 | 1): number {
  let next = first;
  for (let j = first; j < end; j++) {
    const weight = weights[j]!;
    const gain = gains[j]!;
    weights[j] = weights[next]!;
    gains[j] = gains[next]!;
    weights[next] = weight;
    gains[next] = gain;
    next += +(weight > bound) + orEqual * +(weight === bound);
  }
  return next;
}

function gainOf(first: number, end: number): number {
  let sum = 0;
  for (let j = first; j < end; j++) sum += gains[j]!;
  return sum;
}
