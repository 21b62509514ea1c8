/** How a score model's network becomes a denoiser; part of `model.json`. */
import * as z from 'zod';
import { count } from './setting-types.ts';

/** β_t of the discrete diffusion process: linear (Ho et al. 2020) or from a cosine (Nichol and Dhariwal 2021). */
export const noiseScheduleSchema = z.enum(['linear', 'cosine']);

export const preconditioningSchema = z.discriminatedUnion('kind', [
  /** Karras et al. 2022, table 1, last column. */
  z.strictObject({
    kind: z.literal('edm'),
    /** Standard deviation of the scaled data. */
    sigmaData: z.number().positive(),
  }),
  /** The network predicts the noise ε of the variance-preserving process at a discrete step. */
  z.strictObject({
    kind: z.literal('ddpm'),
    steps: count,
    schedule: noiseScheduleSchema,
    /** What the network is told of the noise level: ln(σ) / 4, as in EDM, or the number of the step, from 0. */
    noiseInput: z.enum(['log-sigma', 'step']),
    /** The network has twice the channels; the second half, a variance, is not used. */
    learnsVariance: z.boolean().default(false),
  }),
]);
export type PreconditioningConfig = z.infer<typeof preconditioningSchema>;
