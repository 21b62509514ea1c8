/**
 * The experiment file: one schema gives the validation, the types and the JSON Schema for editors.
 * Every default stands beside its field. Sizes of images are pixels, times are seconds, and every ε and every
 * gradient is in the units of the data set: [0, 1] for images, the raw coordinates for the toy set.
 */
import * as z from 'zod';
import { scoreNetworkSchema } from './network-config.ts';
import { count, distance, eps, norm, probability, seed } from './setting-types.ts';
import { trainSchema } from './train-config.ts';

/** 2-D points in modes that alternate between two classes along the line x₂ = slope · x₁. */
const toyGeometrySchema = z
  .strictObject({
    pointsPerMode: count.default(1000).describe('training points of each mode'),
    modesPerClass: count.default(3),
    slope: z.number().default(2).describe('the line x2 = slope * x1 on which every point lies'),
    spacing: z.number().positive().default(40).describe('distance of neighbouring modes along the line'),
    deviation: z.number().positive().default(1).describe('standard deviation of a mode along the line'),
    testPoints: count.default(600),
  })
  .prefault({});

const datasetSchema = z.strictObject({
  name: z
    .enum(['usps', 'mnist', 'cifar10', 'folder', 'toy'])
    .describe(
      'usps is bundled; mnist, cifar10 and folder are read from the data directory; toy is generated',
    ),
  folder: z
    .string()
    .optional()
    .describe('for folder: path below the data directory, with train/CLASS/*.png and test/CLASS/*.png'),
  size: count.optional().describe('for folder: side in pixels to which images are resized'),
  grayscale: z.boolean().optional().describe('for folder: one channel instead of three'),
  trainImages: count.optional().describe('use only the first so many training images'),
  testImages: count.optional().describe('use only the first so many test images'),
  geometry: toyGeometrySchema,
  fingerprint: z
    .string()
    .optional()
    .describe(
      'checksum of the files that are read; filled in before a run, so that changed files are noticed',
    ),
  seed: seed.optional().describe('for toy: seed of the points; default: the seed of the experiment'),
});

const scoreSchema = z
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

const precomputeSchema = z
  .strictObject({
    method: z.enum(['sbg', 'nearest-neighbor', 'class-mean', 'one-image']).default('sbg'),
    sigma: z
      .number()
      .positive()
      .default(1)
      .describe('for sbg: noise level, in units of the data scaled to [-1, 1] (toy: raw coordinates)'),
    draws: count.default(1).describe('for sbg: noise draws averaged per image'),
    batchSize: count.default(256).describe('network evaluations at a time; does not change the noise'),
    codec: z.enum(['float32', 'float16', 'int8']).default('float16'),
    shardImages: count.default(1024).describe('images per shard'),
    seed: seed.optional(),
  })
  .prefault({});

const attackEntrySchema = z.strictObject({
  method: z.enum(['fgsm', 'pgd']),
  norm,
  eps: z.array(eps).min(1),
  steps: count.default(20).describe('for pgd'),
  relativeStep: z.number().positive().default(2.5).describe('for pgd: step = relativeStep * eps / steps'),
  targeted: z.boolean().default(false).describe('towards a random other class, drawn by (seed, image)'),
  randomStart: z.boolean().default(false),
  restarts: count.default(1),
});
export type AttackEntry = z.infer<typeof attackEntrySchema>;

const certifySchema = z
  .strictObject({
    sigma: distance.describe('standard deviation of the noise; that of the training, as a rule'),
    n0: count.default(100).describe('draws that choose the class'),
    n: count.default(10_000).describe('draws that bound its probability; the larger, the larger the radii'),
    alpha: z
      .number()
      .gt(0)
      .lt(0.5)
      .default(0.001)
      .describe('probability, for each image, that its certificate is wrong'),
    images: count.optional().describe('certify only the first so many of the attacked images'),
    radii: z
      .array(eps)
      .min(1)
      .default([0, 0.25, 0.5, 0.75, 1])
      .describe('L2 distances at which the certified accuracy is told'),
  })
  .describe('L2 certificate of the smoothed classifier (Cohen et al. 2019); off unless given');
export type CertifyConfig = z.infer<typeof certifySchema>;

const attackSchema = z
  .strictObject({
    attacks: z
      .array(attackEntrySchema)
      .min(1)
      .prefault([{ method: 'pgd', norm: 'L2', eps: [0.5, 1, 1.5] }]),
    certify: certifySchema.optional(),
    images: count.optional().describe('use only the first so many test images'),
    batchSize: count.default(256),
    seed: seed.optional(),
  })
  .prefault({});

const analyzeSchema = z
  .strictObject({
    images: count.default(8).describe('test images shown in the grids'),
    alignmentImages: count.default(512).describe('training images over which the alignment is averaged'),
    pictureEps: distance.default(6).describe('L2 ε of the large targeted attack pictures'),
    pictureSteps: count.default(60),
    boundaryCells: count.default(120).describe('for toy: cells along each side of the decision map'),
  })
  .prefault({});

const reportSchema = z.strictObject({ title: z.string().default('') }).prefault({});

/** Configuration of one variant, before seeds are filled in. */
const variantShape = {
  seed: seed.default(0).describe('seed of every stage that has none of its own'),
  dataset: datasetSchema,
  score: scoreSchema,
  precompute: precomputeSchema,
  train: trainSchema,
  attack: attackSchema,
  analyze: analyzeSchema,
  report: reportSchema,
};

export const variantConfigSchema = z.strictObject(variantShape);

/** One variant's configuration with every default filled in. */
export type ExperimentConfig = z.infer<typeof variantConfigSchema>;

const setting = z.union([
  z.number(),
  z.string(),
  z.boolean(),
  z.null(),
  z.array(z.json()),
  z.record(z.string(), z.json()),
]);

/** The experiment file as it is written: a base, named variants that override it, and a matrix. */
export const experimentFileSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/i, 'expected letters, digits, dots, dashes and underscores')
    .describe('names the folder of results below the runs directory'),
  ...variantShape,
  variants: z
    .array(
      z
        .looseObject({ label: z.string().min(1) })
        .describe('a label, and any settings that differ from those above'),
    )
    .optional(),
  matrix: z
    .record(z.string(), z.array(setting).min(1))
    .optional()
    .describe('dotted setting -> values; every combination is run with every variant'),
});
export type ExperimentFile = z.infer<typeof experimentFileSchema>;

/** A fully resolved experiment. */
export interface Experiment {
  name: string;
  variants: { label: string; config: ExperimentConfig }[];
}
