/**
 * Networks as the experiment file describes them. Channels are last in every shape; a classifier takes pixels in
 * the data set's units and normalises them itself.
 */
import * as z from 'zod';
import { count } from './setting-types.ts';

/** Share of values that dropout sets to 0. */
const rate = z.number().min(0).lt(1);

export const unetSchema = z.strictObject({
  kind: z.literal('unet'),
  patch: count.default(1).describe('patch x patch pixels are folded into the channels of one position first'),
  channels: count.default(32).describe('channels at full resolution'),
  multipliers: z.array(count).min(1).default([1, 2]).describe('channels of each resolution, as multiples'),
  blocks: count.default(1).describe('residual blocks per resolution'),
  attention: z.array(count).default([]).describe('sides in pixels at which self-attention is used'),
  groups: count.default(4).describe('groups of GroupNorm'),
});

export const scoreMlpSchema = z.strictObject({
  kind: z.literal('mlp'),
  hidden: z.array(count).min(1).default([128, 128]),
});

export const scoreNetworkSchema = z.discriminatedUnion('kind', [unetSchema, scoreMlpSchema]);
export type ScoreNetworkConfig = z.infer<typeof scoreNetworkSchema>;

export const classifierSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('mlp'),
    hidden: z.array(count).default([64]),
  }),
  z.strictObject({
    kind: z.literal('cnn'),
    convolutions: z
      .array(z.strictObject({ channels: count, kernel: count.default(3), stride: count.default(1) }))
      .min(1)
      .prefault([{ channels: 32 }, { channels: 64, stride: 2 }, { channels: 64, stride: 2 }]),
    dense: z.array(count).default([128]),
  }),
  z.strictObject({
    kind: z.literal('resnet18'),
    widths: z
      .array(count)
      .length(4)
      .default([64, 128, 256, 512])
      .describe('channels of the four stages; the first one is at full resolution, each other at half'),
  }),
  z.strictObject({
    kind: z.literal('vit'),
    patch: count.default(4).describe('side of a patch in pixels; divides height and width'),
    width: count.default(192).describe('length of a token'),
    depth: count.default(12).describe('number of blocks'),
    heads: count.default(3).describe('heads of self-attention; divides the width'),
    mlp: count.default(768).describe('hidden width of the MLP of a block'),
    activation: z.enum(['gelu', 'gelu-tanh']).default('gelu').describe('of the MLP'),
    dropout: rate.default(0).describe('after the positions, the attention and both layers of an MLP'),
  }),
]);
export type ClassifierConfig = z.infer<typeof classifierSchema>;

const perChannel = z.union([z.number(), z.array(z.number()).min(1)]);

/** What a classifier does first: (x - mean) / std, one number for all channels or one for each. */
export const normalizationSchema = z.strictObject({
  mean: perChannel.default(0),
  std: z.union([z.number().positive(), z.array(z.number().positive()).min(1)]).default(1),
});
export type Normalization = z.infer<typeof normalizationSchema>;
