/** The preconditionings by name. */
import type { PreconditioningConfig } from '../../../../schemas/preconditioning.ts';
import { ddpm } from './ddpm.ts';
import { edm } from './edm.ts';
import type { Preconditioning } from './preconditioning.ts';

export function makePreconditioning(config: PreconditioningConfig): Preconditioning {
  return config.kind === 'edm' ? edm(config) : ddpm(config);
}
