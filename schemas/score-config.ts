/** The score model: which network, and how it is trained. */
import * as z from 'zod';
import { scoreNetworkSchema } from './network-config.ts';
import { count, probability, seed } from './setting-types.ts';

export const scoreSchema = z
  .strictObject({
    kind: z
      .enum(['edm', 'analytic'])
      .default('edm')
      .describe(
        'edm: learned (Karras et al. 2022); analytic: exact score of the Gaussian mixture (toy only)',
      ),
    network: scoreNetworkSchema.prefault({ kind: 'unet' }),
    steps: count.default(1000),
    batchSize: count.default(128),
    learningRate: z.number().positive().default(2e-3),
    warmupSteps: z.number().int().min(0).default(100).describe('linear rise of the learning rate'),
    emaHalfLifeImages: z
      .number()
      .positive()
      .default(10_000)
      .describe('half-life of the weight average, in images'),
    classDropout: probability.default(0.1).describe('share of images trained without their class'),
    pMean: z.number().default(-1.2).describe('mean of ln σ'),
    pStd: z.number().positive().default(1.2).describe('standard deviation of ln σ'),
    sigmaData: z.number().positive().default(0.5).describe('standard deviation of the scaled data'),
    checkpointSteps: count.default(200).describe('steps between checkpoints'),
    seed: seed.optional(),
  })
  .prefault({});
