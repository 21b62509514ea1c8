/**
 * The experiment file: one schema gives the validation, the types and the JSON Schema for editors.
 * Every default stands beside its field. Sizes of images are pixels, times are seconds, and every ε and every
 * gradient is in the units of the data set: [0, 1] for images, the raw coordinates for the toy set.
 */
import * as z from 'zod';
import { attackSchema } from './attack-config.ts';
import { datasetSchema } from './dataset-config.ts';
import { precomputeSchema } from './precompute-config.ts';
import { scoreSchema } from './score-config.ts';
import { count, distance, norm, seed } from './setting-types.ts';
import { trainSchema } from './train-config.ts';

const analyzeSchema = z
  .strictObject({
    images: count.default(8).describe('test images shown in the grids'),
    alignmentImages: count.default(512).describe('training images over which the alignment is averaged'),
    pictureNorm: norm.default('L2'),
    pictureEps: distance.default(6).describe('ε of the large targeted attack pictures'),
    pictureSteps: count.default(60).describe('of 2.5 * pictureEps / pictureSteps each'),
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
