/** The data set: which one, and how much of it. */
import * as z from 'zod';
import { DATASET_NAMES } from './dataset-facts.ts';
import { count, seed } from './setting-types.ts';

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

export const datasetSchema = z.strictObject({
  name: z
    .enum(DATASET_NAMES)
    .describe(
      'usps is bundled; toy is generated; all others are read from the data directory (docs/data-sets.md)',
    ),
  folder: z
    .string()
    .optional()
    .describe(
      'path below the data directory: needed for folder, parquet and numpy, else in place of the usual one',
    ),
  size: count
    .optional()
    .describe(
      'for folder, parquet, imagenet, restricted-imagenet and cub200: side to which pictures are resized',
    ),
  grayscale: z.boolean().optional().describe('for the same: one channel instead of three'),
  groups: z
    .record(z.string(), z.array(z.string()).min(1))
    .optional()
    .describe('for imagenet and restricted-imagenet: name of a class -> its synsets (folders)'),
  columns: z
    .strictObject({ image: z.string().optional(), label: z.string().optional() })
    .optional()
    .describe('for parquet: names of the columns; default: image or img, and label, labels or fine_label'),
  labels: z
    .enum(['fine', 'coarse'])
    .optional()
    .describe('for cifar100: 100 classes (fine, the default) or their 20 groups'),
  extra: z.boolean().optional().describe('for svhn: also train on the 531,131 extra images'),
  trainImages: count.optional().describe('use only the first so many training images'),
  testImages: count.optional().describe('use only the first so many test images'),
  classes: z
    .array(z.union([z.string(), z.number().int().min(0)]))
    .min(2)
    .refine((classes) => new Set(classes).size === classes.length, 'expected each class once')
    .optional()
    .describe('use only these classes, by name or place, in this order'),
  validation: z
    .union([z.strictObject({ images: count }), z.strictObject({ share: z.number().gt(0).lt(1) })])
    .optional()
    .describe(
      'hold out so many training images, or such a share, drawn by the seed in the proportions of the classes; ' +
        "in place of the data set's own validation images",
    ),
  perClass: count
    .optional()
    .describe('use so many training images of each class, drawn by the seed from those not held out'),
  unlabelledImages: count.optional().describe('for stl10: keep the first so many images without label, too'),
  geometry: toyGeometrySchema,
  fingerprint: z
    .string()
    .optional()
    .describe(
      'checksum of the files that are read; filled in before a run, so that changed files are noticed',
    ),
  seed: seed
    .optional()
    .describe(
      'of what is drawn: the points of toy, validation, perClass; default: the seed of the experiment',
    ),
});
