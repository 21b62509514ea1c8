/** What a gradient store holds: rows (image, target), image-major, in shards of bounded size. */
import * as z from 'zod';

export const CODEC_NAMES = ['float32', 'float16', 'int8'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

/** Raised when a reader of the old form would misread the new one. */
export const GRADIENT_STORE_VERSION = 1;

/** `store.json`: fixed before the first shard is written. */
export const gradientStoreSchema = z.object({
  version: z.literal(GRADIENT_STORE_VERSION),
  codec: z.enum(CODEC_NAMES),
  /** Shape of one gradient, the same as an image's. */
  shape: z.array(z.number().int().positive()),
  images: z.number().int().positive(),
  /** Targets per image: every class in order. */
  targets: z.number().int().positive(),
  /** Every shard but the last holds so many images. */
  shardImages: z.number().int().positive(),
  /** How the gradients were made, for people. */
  description: z.string(),
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
