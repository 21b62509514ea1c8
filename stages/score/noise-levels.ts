/** At which noise levels a score model is trained. */
import type { ScoreConfig } from '../../schemas/score-config.ts';
import { noiseLevels } from '../numerics/diffusion/preconditioning/noise-schedule.ts';
import type { RandomStream } from '../numerics/tensor/random.ts';

/**
 * σ of one training image: ln σ normal (Karras et al. 2022, table 1), or one of the steps of the discrete process,
 * all equally likely (Ho et al. 2020, algorithm 1).
 */
export function sigmaSource({ kind, pMean, pStd, ddpm }: ScoreConfig): (random: RandomStream) => number {
  if (kind !== 'ddpm') return (random) => Math.exp(pMean + pStd * random.normal());
  const levels = noiseLevels(ddpm);
  return (random) => levels[random.integer(levels.length)]!;
}
