/** Shortest in L1: the coordinates of most weight go as far as the box lets them, one goes part of the way, the rest stay. */
import { type Hyperplane, LEAST_WEIGHT, scratch } from './hyperplane.ts';

export const l1: Hyperplane = {
  steepness(w) {
    let largest = 0;
    for (let i = 0; i < w.length; i++) largest = Math.max(largest, Math.abs(w[i]!));
    return largest;
  },
  stepOnto(point, w, excess, box, step) {
    const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const side = excess < 0 ? -1 : 1;
    const [weights, gains] = scratch(w.length);
    let count = 0;
    for (let i = 0; i < w.length; i++) {
      const slope = side * w[i]!;
      const size = Math.abs(slope);
      if (size <= LEAST_WEIGHT) continue;
      weights[count] = size;
      gains[count] = size * (slope > 0 ? point[i]! - low : high - point[i]!);
      count += 1;
    }
    const { weight, rest } = findLast(weights, gains, count, Math.abs(excess));
    // What coordinates of just this weight have to bring, in their order.
    let missing = rest;
    let length = 0;
    for (let i = 0; i < w.length; i++) {
      const slope = side * w[i]!;
      const size = Math.abs(slope);
      let reach = 0;
      if (size > LEAST_WEIGHT && size >= weight) {
        reach = slope > 0 ? point[i]! - low : high - point[i]!;
        if (size === weight) {
          reach = Math.min(reach, missing / size);
          missing -= reach * size;
        }
      }
      step[i] = slope > 0 ? -reach : reach;
      length += reach;
    }
    return length;
  },
};

/**
 * The weight at which the gains of all larger weights together first make the total, and what these leave for
 * coordinates of this weight to bring; weight 0 where all gains do not make it. As in quickselect, each trial leaves one
 * side of a weight in question: about 2n operations in all.
 *
 * @param weights, gains the first `count` are used, and reordered
 */
function findLast(
  weights: Float64Array,
  gains: Float64Array,
  count: number,
  total: number,
): { weight: number; rest: number } {
  let first = 0;
  let end = count;
  let rest = total;
  // All larger weights are known to make the total.
  let enough = 0;
  while (first < end) {
    const pivot = weights[(first + end) >> 1]!;
    // [first, larger) larger, [larger, j) equal, [smaller, end) smaller; in between not yet looked at.
    let larger = first;
    let smaller = end;
    let largerGain = 0;
    let equalGain = 0;
    for (let j = first; j < smaller; ) {
      const [weight, gain] = [weights[j]!, gains[j]!];
      if (weight > pivot) {
        largerGain += gain;
        weights[j] = weights[larger]!;
        gains[j++] = gains[larger]!;
        weights[larger] = weight;
        gains[larger++] = gain;
      } else if (weight < pivot) {
        smaller -= 1;
        weights[j] = weights[smaller]!;
        gains[j] = gains[smaller]!;
        weights[smaller] = weight;
        gains[smaller] = gain;
      } else {
        equalGain += gain;
        j += 1;
      }
    }
    if (larger > first && largerGain >= rest) {
      end = larger;
      enough = pivot;
    } else if (largerGain + equalGain >= rest) {
      return { weight: pivot, rest: rest - largerGain };
    } else {
      rest -= largerGain + equalGain;
      first = smaller;
    }
  }
  // Rounding alone can lead here if the total is made.
  return { weight: enough, rest };
}
