/** EDM preconditioning and loss weight (Karras et al. 2022, table 1). */
import type { PreconditioningConfig } from '../../../../schemas/preconditioning.ts';
import type { Preconditioning } from './preconditioning.ts';

export function edm({ sigmaData }: Extract<PreconditioningConfig, { kind: 'edm' }>): Preconditioning {
  const total = (s: number) => s * s + sigmaData * sigmaData;
  return {
    at: (sigma) => ({
      cSkip: sigmaData ** 2 / total(sigma),
      cOut: (sigma * sigmaData) / Math.sqrt(total(sigma)),
      cIn: 1 / Math.sqrt(total(sigma)),
      cNoise: Math.log(sigma) / 4,
    }),
    lossWeight: (sigma) => total(sigma) / (sigma * sigmaData) ** 2,
    round: (sigma) => sigma,
    range: [0.002, 80],
    learnsVariance: false,
  };
}
