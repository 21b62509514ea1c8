/** Doubts that the figures themselves raise, once all attacks are done. */
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Attacked } from './attacked.ts';
import { violationDoubts } from './violations.ts';

/** What figures are judged by. */
export interface Judged {
  /** True classes of the images. */
  labels: ArrayLike<number>;
  /** Number of values of an image. */
  size: number;
  box: readonly [number, number] | null;
}

/** All doubts about the results of one classifier, the gravest first. */
export function resultDoubts(attacked: readonly Attacked[], _judged: Judged): Doubt[] {
  return attacked.flatMap(violationDoubts);
}
