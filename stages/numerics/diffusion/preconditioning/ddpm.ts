/**
 * The network as a predictor of noise at discrete steps (Ho et al. 2020): ε = F(x / √(1 + σ²); step), D = x − σ·ε.
 * Ho et al.'s simple loss, the mean squared error of ε, is ‖D − y‖² / σ².
 */
import type { PreconditioningConfig } from '../../../../schemas/preconditioning.ts';
import { nearestStep, noiseLevels } from './noise-schedule.ts';
import type { Preconditioning } from './preconditioning.ts';

/**
 * Where samples begin if the schedule goes further, as EDM's do: the last levels of the cosine schedule are so far
 * apart that an error of ε in one of them would be larger than the data.
 */
const LARGEST_START = 80;

export function ddpm(config: Extract<PreconditioningConfig, { kind: 'ddpm' }>): Preconditioning {
  const levels = noiseLevels(config);
  const step = (sigma: number) => nearestStep(levels, sigma);
  const round = (sigma: number) => levels[step(sigma)]!;
  return {
    at: (sigma) => ({
      cSkip: 1,
      cOut: -sigma,
      cIn: 1 / Math.sqrt(1 + sigma * sigma),
      cNoise: config.noiseInput === 'step' ? step(sigma) : Math.log(round(sigma)) / 4,
    }),
    lossWeight: (sigma) => 1 / sigma ** 2,
    round,
    range: [levels[0]!, round(LARGEST_START)],
    learnsVariance: config.learnsVariance,
  };
}
