/**
 * APGD-T (Croce and Hein 2020, section 4 and eq. 6): Auto-PGD with the targeted DLR loss, towards one class after the
 * other. The targets are means only: any wrong class is success.
 */
import { type AscentOptions, ascend } from './apgd.ts';
import { type Attack, classOfRank } from './attack.ts';

export interface ApgdTargetedOptions extends AscentOptions {
  /** Which class to climb to: 2 for the second largest logit of the clean image, and so on. */
  rank: number;
}

/** Where the problem has a target of its own, every rank climbs to that one. */
export const apgdTargeted =
  ({ rank, ...options }: ApgdTargetedOptions): Attack =>
  (problem) => {
    const target = problem.target ?? classOfRank(problem.cleanLogits, rank);
    return ascend(problem, { loss: 'dlr-targeted', target }, options);
  };
