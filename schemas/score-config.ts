/** The score model: which network, and how it is trained. */
import * as z from 'zod';
import { noiseScheduleSchema } from './preconditioning.ts';
import { scoreNetworkEntrySchema } from './score-network-sizes.ts';
import { count, probability, seed } from './setting-types.ts';

export const samplerName = z
  .enum(['heun', 'ddim'])
  .describe('heun: Karras et al. 2022, deterministic; ddim: Song et al. 2021');
export type SamplerName = z.infer<typeof samplerName>;

const ddpmSchema = z
  .strictObject({
    steps: count.default(1000).describe('noise levels, from almost none to almost nothing but noise'),
    schedule: noiseScheduleSchema
      .default('linear')
      .describe('linear: Ho et al. 2020; cosine: Nichol and Dhariwal 2021'),
  })
  .prefault({});

/** Numbers that tell a network of an augmentation. */
export const AUGMENTATIONS = 3;

const augmentSchema = z.strictObject({
  probability: probability.default(0.12).describe('of each kind, for each image'),
  flip: z.boolean().default(false).describe('mirror left and right'),
  shift: z.number().int().min(0).default(0).describe('largest shift in pixels; what comes in is mirrored'),
});

const validationSchema = z
  .strictObject({
    images: z.number().int().min(0).default(128).describe('held-out images; 0: no validation'),
    sigmas: z
      .array(z.number().positive())
      .min(1)
      .default([0.1, 0.3, 1, 3])
      .describe('noise levels, in units of the scaled data'),
    every: count.optional().describe('steps from one evaluation to the next; default: a tenth of all'),
  })
  .prefault({});

const samplesSchema = z
  .strictObject({
    perClass: z.number().int().min(0).default(8).describe('pictures in a row; 0: no sample sheets'),
    every: count.optional().describe('steps from one sheet to the next; default: only after the last step'),
    sampler: samplerName.default('heun'),
    steps: count.default(18).describe('noise levels of the sampler'),
    guidance: z.number().min(0).default(1).describe('classifier-free guidance; 1: none'),
  })
  .prefault({});

export const scoreSchema = z
  .strictObject({
    kind: z
      .enum(['edm', 'ddpm', 'analytic'])
      .default('edm')
      .describe(
        'edm: Karras et al. 2022; ddpm: predicts noise at discrete steps, Ho et al. 2020; ' +
          'analytic: exact score of the Gaussian mixture (toy only)',
      ),
    network: scoreNetworkEntrySchema.prefault({ kind: 'unet' }),
    steps: count.default(1000),
    batchSize: count.default(128),
    microBatch: count.optional().describe('images per pass through the network; bounds the memory'),
    learningRate: z.number().positive().default(2e-3),
    warmupSteps: z.number().int().min(0).default(100).describe('linear rise of the learning rate'),
    emaHalfLifeImages: z
      .number()
      .positive()
      .default(10_000)
      .describe('half-life of the weight average, in images'),
    emaRampup: z
      .number()
      .positive()
      .default(0.05)
      .describe('the half-life is at most this share of the images seen so far; a large number: no bound'),
    classDropout: probability.default(0.1).describe('share of images trained without their class'),
    augment: augmentSchema
      .optional()
      .describe('augmentations of which the network is told (Karras et al. 2022, appendix F.1)'),
    pMean: z.number().default(-1.2).describe('for edm: mean of ln σ'),
    pStd: z.number().positive().default(1.2).describe('for edm: standard deviation of ln σ'),
    ddpm: ddpmSchema.describe('for ddpm'),
    sigmaData: z.number().positive().default(0.5).describe('standard deviation of the scaled data'),
    validation: validationSchema.describe('loss of held-out images at fixed noise levels'),
    samples: samplesSchema.describe('sheets of drawn images, one row for each class and one without class'),
    checkpointSteps: count.default(200).describe('steps between checkpoints'),
    seed: seed.optional(),
  })
  .prefault({});
export type ScoreConfig = z.infer<typeof scoreSchema>;
