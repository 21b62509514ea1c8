/**
 * Networks as the experiment file describes them. Channels are last in every shape; a classifier takes pixels in
 * the data set's units and normalises them itself.
 */
import * as z from 'zod';
import { dropoutRate, layerEntrySchema } from './layer-config.ts';
import { count } from './setting-types.ts';

export const unetSchema = z.strictObject({
  kind: z.literal('unet'),
  patch: count.default(1).describe('patch x patch pixels are folded into the channels of one position first'),
  channels: count.default(32).describe('channels at full resolution'),
  multipliers: z.array(count).min(1).default([1, 2]).describe('channels of each resolution, as multiples'),
  blocks: count.default(1).describe('residual blocks per resolution'),
  attention: z.array(count).default([]).describe('heights in pixels at which self-attention is used'),
  groups: count.default(4).describe('groups of GroupNorm'),
  dropout: dropoutRate.default(0).describe('between the convolutions of a block'),
  augmentations: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('numbers that tell the network of an augmentation; 3 for score.augment'),
});

export const scoreMlpSchema = z.strictObject({
  kind: z.literal('mlp'),
  hidden: z.array(count).min(1).default([128, 128]),
});

/** What the two families of networks that were published with EDM share. */
const publishedUnet = {
  blocks: count.describe('residual blocks per resolution on the way down; one more on the way up'),
  attention: z.array(count).describe('sides in pixels at which self-attention is used'),
  augmentations: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe(
      'numbers that tell the network how an image was augmented; 9 in weights published for CIFAR-10',
    ),
  dropout: dropoutRate.default(0.1).describe('in front of the second convolution of a block'),
};

/** SongUNet of Karras et al. 2022: DDPM++ by its defaults, NCSN++ by the settings that docs/models.md gives. */
export const songUnetSchema = z.strictObject({
  kind: z.literal('song-unet'),
  channels: count.default(128).describe('the unit of widths; the first convolution has as many'),
  multipliers: z.array(count).min(1).default([2, 2, 2]).describe('channels of each resolution, as multiples'),
  ...publishedUnet,
  blocks: publishedUnet.blocks.default(4),
  attention: publishedUnet.attention.default([16]),
  embedding: z
    .enum(['positional', 'fourier'])
    .default('positional')
    .describe('of the noise level: DDPM++ has positional, NCSN++ fourier'),
  noiseMultiplier: count.default(1).describe('width of the embedding of the noise level, as a multiple'),
  encoder: z
    .enum(['standard', 'skip', 'residual'])
    .default('standard')
    .describe('how the shrunken input joins each resolution: not at all, added, or as a residual branch'),
  decoder: z
    .enum(['standard', 'skip'])
    .default('standard')
    .describe('skip: each resolution makes an image, and their sum is the output'),
  filter: z
    .array(z.number().positive())
    .refine((taps) => taps.length > 0 && taps.length % 2 === 0, 'expected an even number of taps')
    .default([1, 1])
    .describe('taps of the filter that halves and doubles the resolution'),
});

/** DhariwalUNet of Karras et al. 2022: ADM. */
export const dhariwalUnetSchema = z.strictObject({
  kind: z.literal('dhariwal-unet'),
  channels: count.default(192).describe('the unit of widths'),
  multipliers: z
    .array(count)
    .min(1)
    .default([1, 2, 3, 4])
    .describe('channels of each resolution, as multiples'),
  ...publishedUnet,
  blocks: publishedUnet.blocks.default(3),
  attention: publishedUnet.attention.default([32, 16, 8]),
  headChannels: count
    .default(64)
    .describe('channels of a head of self-attention; there is none where a block has fewer'),
});

export const scoreNetworkSchema = z.discriminatedUnion('kind', [
  unetSchema,
  scoreMlpSchema,
  songUnetSchema,
  dhariwalUnetSchema,
]);
export type ScoreNetworkConfig = z.infer<typeof scoreNetworkSchema>;

export const classifierSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('mlp'),
    hidden: z.array(count).default([64]),
  }),
  z.strictObject({
    kind: z.literal('cnn'),
    layers: z
      .array(layerEntrySchema)
      .min(1)
      .prefault([
        { kind: 'conv', channels: 32 },
        'relu',
        { kind: 'conv', channels: 64, stride: 2 },
        'relu',
        { kind: 'conv', channels: 64, stride: 2 },
        'relu',
        'flatten',
        { kind: 'dense', units: 128 },
        'relu',
        'dense',
      ])
      .describe('one after the other; the last one that changes the width is dense, without units'),
    naming: z
      .enum(['kind', 'index'])
      .default('kind')
      .describe(
        'of tensors: conv1, bn1, fc1, numbered by kind; or places in the list from 0, as nn.Sequential',
      ),
  }),
  z.strictObject({
    kind: z.literal('resnet18'),
    widths: z
      .array(count)
      .length(4)
      .default([64, 128, 256, 512])
      .describe('channels of the four stages, each at half the resolution of the one before'),
  }),
  z.strictObject({
    kind: z.literal('wide-resnet'),
    depth: z
      .number()
      .int()
      .min(10)
      .refine((depth) => depth % 6 === 4, 'expected 6 n + 4, such as 16, 28 or 40')
      .default(28)
      .describe('number of layers, 6 n + 4'),
    widen: z
      .number()
      .positive()
      .multipleOf(1 / 16)
      .default(10)
      .describe('the stages have 16, 32 and 64 times as many channels; also a fraction, in 16ths'),
    dropout: dropoutRate.default(0).describe('between the convolutions of a block'),
  }),
  z.strictObject({
    kind: z.literal('resnet50'),
    width: count.default(64).describe('channels of the stem; the stages have 4, 8, 16 and 32 times as many'),
  }),
  z.strictObject({
    kind: z.literal('vit'),
    patch: count.default(4).describe('side of a patch in pixels; divides height and width'),
    width: count.default(192).describe('length of a token'),
    depth: count.default(12).describe('number of blocks'),
    heads: count.default(3).describe('heads of self-attention; divides the width'),
    mlp: count.default(768).describe('hidden width of the MLP of a block'),
    activation: z.enum(['gelu', 'gelu-tanh']).default('gelu').describe('of the MLP'),
    dropout: dropoutRate.default(0).describe('after the positions, the attention and both layers of an MLP'),
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
