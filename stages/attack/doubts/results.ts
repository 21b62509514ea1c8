/** Doubts that the figures themselves raise, once all attacks are done. */
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Attacked } from './attacked.ts';
import { convergenceDoubts } from './converged.ts';
import { gradientFreeDoubts } from './gradient-free.ts';
import { type Judged, maskedDoubts } from './masked.ts';
import { risingDoubts } from './rising.ts';
import { transferDoubts } from './transfer.ts';
import { violationDoubts } from './violations.ts';

/** All doubts about the results of one classifier, the gravest first. */
export function resultDoubts(attacked: readonly Attacked[], judged: Judged): Doubt[] {
  return [
    ...attacked.flatMap(violationDoubts),
    ...maskedDoubts(attacked, judged),
    ...gradientFreeDoubts(attacked),
    ...transferDoubts(attacked),
    ...risingDoubts(attacked),
    ...convergenceDoubts(attacked),
  ];
}
