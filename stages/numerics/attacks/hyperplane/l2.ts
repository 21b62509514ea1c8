/** Shortest in L2: along w, each coordinate by λ|w_i| as long as the box lets it. */
import { euclidean } from '../norms.ts';
import { type Hyperplane, LEAST_WEIGHT, scratch } from './hyperplane.ts';
import { findMultiplier } from './multiplier.ts';

export const l2: Hyperplane = {
  steepness: euclidean,
  stepOnto(point, w, excess, box, step) {
    const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const side = excess < 0 ? -1 : 1;
    const [caps, squares] = scratch(w.length);
    let count = 0;
    let sum = 0;
    for (let i = 0; i < w.length; i++) {
      const slope = side * w[i]!;
      const size = Math.abs(slope);
      if (size <= LEAST_WEIGHT) continue;
      caps[count] = (slope > 0 ? point[i]! - low : high - point[i]!) / size;
      squares[count] = size * size;
      sum += size * size;
      count += 1;
    }
    const lambda = findMultiplier(caps, squares, count, sum, Math.abs(excess));
    let square = 0;
    for (let i = 0; i < w.length; i++) {
      const slope = side * w[i]!;
      const size = Math.abs(slope);
      if (size <= LEAST_WEIGHT) {
        step[i] = 0;
        continue;
      }
      const reach = Math.min(lambda * size, slope > 0 ? point[i]! - low : high - point[i]!);
      step[i] = slope > 0 ? -reach : reach;
      square += reach * reach;
    }
    return Math.sqrt(square);
  },
};
