/** The samplers by name. */
import type { SamplerName } from '../../../../schemas/score-config.ts';
import { ddim } from './ddim.ts';
import { heun } from './heun.ts';
import type { Sampler } from './sampler.ts';

export const samplers: Record<SamplerName, Sampler> = { heun, ddim };
