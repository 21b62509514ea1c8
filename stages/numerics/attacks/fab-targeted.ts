/**
 * FAB-T, the targeted form of FAB (as in AutoAttack, Croce and Hein 2020b): approaches the border with one class only. Any
 * wrong class counts as success all the same.
 */
import { type Attack, classOfRank } from './attack.ts';
import { climbBorders, type FabOptions } from './fab-climb.ts';

export interface FabTargetedOptions extends FabOptions {
  /** Which class to approach: the one of this rank by falling logit of the clean image, from 2. */
  rank: number;
}

export const fabTargeted =
  ({ rank, ...options }: FabTargetedOptions): Attack =>
  (problem) =>
    climbBorders(problem, options, [problem.target ?? classOfRank(problem.cleanLogits, rank)]);
