/**
 * The experiment file: one schema gives the validation, the types and the JSON Schema for editors.
 * Every default stands beside its field. Sizes of images are pixels, times are seconds, and every ε and every
 * gradient is in the units of the data set: [0, 1] for images, the raw coordinates for the toy set.
 */
import * as z from 'zod';
import { datasetSchema } from './dataset-config.ts';
import { precomputeSchema } from './precompute-config.ts';
import { scoreSchema } from './score-config.ts';
import { count, distance, eps, norm, seed } from './setting-types.ts';
import { trainSchema } from './train-config.ts';

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
