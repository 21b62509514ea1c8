/** Shortest in L2: along w, each coordinate by λ|w_i| as long as the box lets it. */
import { euclidean } from '../norms.ts';
import { descend, LEAST_WEIGHT } from './descent.ts';
import type { Hyperplane } from './hyperplane.ts';
import { findMultiplier } from './multiplier.ts';

const pair = new Float64Array(2);

let [caps, squares] = [new Float64Array(0), new Float64Array(0)];

export const l2: Hyperplane = {
  steepness: euclidean,
  stepOnto(point, w, excess, box, step) {
    const { rooms, sizes, directions } = descend(point, w, excess, box, LEAST_WEIGHT);
    if (caps.length !== w.length) [caps, squares] = [new Float64Array(w.length), new Float64Array(w.length)];
    for (let i = 0; i < w.length; i++) {
      const size = sizes[i]!;
      caps[i] = rooms[i]! / (size + +(size === 0));
      squares[i] = size * size;
    }
    const lambda = findMultiplier(caps, squares, Math.abs(excess));
    let square = 0;
    for (let i = 0; i < w.length; i++) {
      const room = rooms[i]!;
      const free = lambda * sizes[i]!;
      pair[0] = room;
      pair[1] = free;
      const way = directions[i]! * pair[+(room > free)]!;
      step[i] = way;
      square += way * way;
    }
    return Math.sqrt(square);
  },
};
