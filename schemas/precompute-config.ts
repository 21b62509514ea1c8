/** Target gradients: of which kind, and how they are stored. */
import * as z from 'zod';
import { count, seed } from './setting-types.ts';

export const precomputeSchema = z
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
