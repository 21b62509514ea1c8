/** FAB, untargeted (Croce and Hein 2020, algorithm 1): of the borders with all other classes, the nearest one is approached. */
import type { Attack } from './attack.ts';
import { climbBorders, type FabOptions } from './fab-climb.ts';

/** Asks for a gradient for each class but the true one in every iteration: dear where there are many. */
export const fab =
  (options: FabOptions = {}): Attack =>
  (problem) =>
    climbBorders(problem, options, rivalsOf(problem));

/** Every class but the true one; with a class to reach, that one. */
function rivalsOf({ label, target, cleanLogits }: Parameters<Attack>[0]): number[] {
  return target === null ? [...cleanLogits.keys()].filter((k) => k !== label) : [target];
}
