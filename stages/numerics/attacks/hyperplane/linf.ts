/** Shortest in L∞: every coordinate goes equally far, λ, as long as the box lets it. */
import { type Hyperplane, scratch } from './hyperplane.ts';
import { findMultiplier } from './multiplier.ts';

export const linf: Hyperplane = {
  steepness(w) {
    let sum = 0;
    for (let i = 0; i < w.length; i++) sum += Math.abs(w[i]!);
    return sum;
  },
  stepOnto(point, w, excess, box, step) {
    const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const side = excess < 0 ? -1 : 1;
    const [rooms, weights] = scratch(w.length);
    let count = 0;
    let weight = 0;
    for (let i = 0; i < w.length; i++) {
      const slope = side * w[i]!;
      if (slope === 0) continue;
      rooms[count] = slope > 0 ? point[i]! - low : high - point[i]!;
      const size = Math.abs(slope);
      weights[count] = size;
      weight += size;
      count += 1;
    }
    const lambda = findMultiplier(rooms, weights, count, weight, Math.abs(excess));
    let length = 0;
    for (let i = 0; i < w.length; i++) {
      const slope = side * w[i]!;
      if (slope === 0) {
        step[i] = 0;
        continue;
      }
      const reach = Math.min(lambda, slope > 0 ? point[i]! - low : high - point[i]!);
      step[i] = slope > 0 ? -reach : reach;
      if (reach > length) length = reach;
    }
    return length;
  },
};
