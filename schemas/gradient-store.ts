/** What a gradient store holds: rows (image, slot), image-major, in shards of bounded size. */
import * as z from 'zod';

export const CODEC_NAMES = ['float32', 'float16', 'int8'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

/** Raised when a reader of the old form would misread the new one. */
export const GRADIENT_STORE_VERSION = 2;

/** `store.json`: fixed before the first shard is written. */
export const gradientStoreSchema = z
  .object({
    version: z.literal(GRADIENT_STORE_VERSION),
    codec: z.enum(CODEC_NAMES),
    /** Shape of one gradient, the same as an image's. */
    shape: z.array(z.number().int().positive()),
    images: z.number().int().positive(),
    /** Classes of the data set. */
    classes: z.number().int().positive(),
    /** Rows per image; the row's number among them is its slot. */
    targets: z.number().int().positive(),
    /**
     * Towards which class the gradient of a slot is: `all`, slot k is class k; `listed`, each row names its class in the
     * column `target`.
     */
    targetClasses: z.enum(['all', 'listed']),
    /** Every shard but the last holds so many images. */
    shardImages: z.number().int().positive(),
    /** How the gradients were made, for people. */
    description: z.string(),
  })
  .refine(({ targets, classes, targetClasses }) => targetClasses === 'listed' || targets === classes, {
    message: '`targets` must be `classes` where `targetClasses` is `all`',
  });
export type GradientStoreInfo = z.infer<typeof gradientStoreSchema>;

/** `shard-00000.json`, written after its shard: the shard is finished and is what it says. */
export const shardRecordSchema = z.object({
  name: z.string(),
  rows: z.number().int().positive(),
  bytes: z.number().int().positive(),
  sha256: z.string().length(64),
  /** crc32 of the bytes of each record batch's body, so that a reader can check what it opens. */
  batches: z.array(
    z.object({
      rows: z.number().int().positive(),
      offset: z.number().int().nonnegative(),
      bytes: z.number().int().positive(),
      crc32: z.number().int().nonnegative(),
    }),
  ),
  /** Largest 1 − cos between a gradient and what the codec made of it. */
  worstCosineLoss: z.number(),
  /** Mean of the same. */
  meanCosineLoss: z.number(),
});
export type ShardRecord = z.infer<typeof shardRecordSchema>;

/** `summary.json`, written after the last shard: what all records together say. */
export const storeSummarySchema = z.object({
  shards: z.number().int().positive(),
  rows: z.number().int().positive(),
  /** Of all shards. */
  bytes: z.number().int().positive(),
  /** 1 − cos between a gradient and what the codec made of it: the largest, and the mean over rows. */
  worstCosineLoss: z.number(),
  meanCosineLoss: z.number(),
});
export type StoreSummary = z.infer<typeof storeSummarySchema>;

/** `precision.json`: what reduced precision cost, measured on some gradients before the store was filled. */
export const precisionCostSchema = z.object({
  precision: z.literal('bfloat16'),
  images: z.number().int().positive(),
  gradients: z.number().int().positive(),
  /** 1 − cos between a gradient and the same in float32: the mean, and the largest. */
  meanCosineLoss: z.number(),
  worstCosineLoss: z.number(),
});
export type PrecisionCost = z.infer<typeof precisionCostSchema>;
