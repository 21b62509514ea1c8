/** What the dataset stage leaves behind, and what every later stage may rely on. */
import * as z from 'zod';

/** Of one split, over all of its images, in the units of the data: [0, 1] for images. One entry for each channel. */
const splitStatisticsSchema = z.object({
  /** Images of each class; absent where the images have no labels. */
  counts: z.array(z.number().int()).optional(),
  mean: z.array(z.number()),
  /** Standard deviation of the population. */
  std: z.array(z.number()),
  min: z.array(z.number()),
  max: z.array(z.number()),
});
export type SplitStatistics = z.infer<typeof splitStatisticsSchema>;

export const SPLIT_NAMES = ['train', 'validation', 'test', 'unlabelled'] as const;
export type SplitName = (typeof SPLIT_NAMES)[number];

/** `dataset.json` of a dataset artifact; `train.arrow`, `test.arrow` and others hold `image` and `label`. */
export const datasetInfoSchema = z.object({
  name: z.string(),
  /** [height, width, channels] of an image, [dimensions] of a point. Row-major, channels last. */
  shape: z.array(z.number().int().positive()),
  /** `uint8`: bytes that stand for [0, 1]; `float32`: raw coordinates. */
  storage: z.enum(['uint8', 'float32']),
  /** Attacks stay inside this box; null where the data has no bounds. */
  box: z.tuple([z.number(), z.number()]).nullable(),
  classNames: z.array(z.string()),
  trainCount: z.number().int(),
  testCount: z.number().int(),
  /** Present where the data set or the configuration has such a split. */
  validationCount: z.number().int().optional(),
  unlabelledCount: z.number().int().optional(),
  /** What the column `region` surrounds in each image, where there is one. */
  region: z.string().optional(),
  statistics: z.partialRecord(z.enum(SPLIT_NAMES), splitStatisticsSchema).optional(),
  /** Where the data comes from, and the checksums of the files that were read. */
  sources: z.array(z.object({ name: z.string(), bytes: z.number().int(), sha256: z.string() })),
  provenance: z.string(),
});
export type DatasetInfo = z.infer<typeof datasetInfoSchema>;

/** A split in memory: `images` holds count × product(shape) values, `labels` one class index each. */
export interface RawSplit {
  images: Uint8Array | Float32Array;
  labels: Uint16Array;
  /** [top, left, height, width] in pixels of what matters in each image, count × 4. */
  regions?: Float32Array;
}

/** A run of a split's images, whole ones. */
export interface ImageBlock {
  images: Uint8Array | Float32Array;
  regions?: Float32Array;
}

/** A split that need not fit into memory. */
export interface ImageStream {
  count: number;
  /** Null where the images have none. */
  labels: Uint16Array | null;
  hasRegions: boolean;
  /** Blocks of any size that together hold `count` images. */
  blocks: AsyncIterable<ImageBlock>;
}

/** Names of classes that have none: `0`, `1`, … */
export function numberedClasses(classes: number): string[] {
  return Array.from({ length: classes }, (_, label) => String(label));
}
