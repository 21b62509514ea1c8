/** Shortest in L∞: every coordinate goes equally far, λ, as long as the box lets it. */
import { descend } from './descent.ts';
import type { Hyperplane } from './hyperplane.ts';
import { findMultiplier } from './multiplier.ts';

const pair = new Float64Array(2);

export const linf: Hyperplane = {
  steepness(w) {
    let sum = 0;
    for (let i = 0; i < w.length; i++) sum += Math.abs(w[i]!);
    return sum;
  },
  stepOnto(point, w, excess, box, step) {
    const { rooms, sizes, directions } = descend(point, w, excess, box, 0);
    const lambda = findMultiplier(rooms, sizes, Math.abs(excess));
    let length = 0;
    pair[1] = lambda;
    for (let i = 0; i < w.length; i++) {
      const room = rooms[i]!;
      pair[0] = room;
      const way = directions[i]! * pair[+(room > lambda)]!;
      step[i] = way;
      const reach = Math.abs(way);
      if (reach > length) length = reach;
    }
    return length;
  },
};
