/** Target gradients: of which kind, towards which classes, and how they are stored. */
import * as z from 'zod';
import { count, precision, seed } from './setting-types.ts';

const sigma = z.number().positive();
/** A model that a setting names, and its checksum. */
const modelReference = {
  model: z.string().min(1).describe('folder of the model, relative to the working directory'),
  fingerprint: z.string().optional().describe('checksum of that model; filled in before a run'),
};
const modelSchema = z.strictObject(modelReference);
export type ModelReference = z.infer<typeof modelSchema>;

const targetsSchema = z.union([
  z.literal(['all', 'all-but-true']),
  z.strictObject({ kind: z.literal(['all', 'all-but-true']) }),
  z.strictObject({
    kind: z.literal('random'),
    count: count.describe('different classes, drawn by (seed, image)'),
  }),
  z.strictObject({
    kind: z.literal('top'),
    count: count.describe('the classes nearest to the image, without its own; the nearest comes first'),
    by: z
      .union([z.literal('class-mean'), modelSchema])
      .default('class-mean')
      .describe('class-mean: distance to the mean of the class; a classifier: its logits'),
  }),
]);
export type TargetsConfig = z.infer<typeof targetsSchema>;

export const precomputeSchema = z
  .strictObject({
    method: z.enum(['sbg', 'nearest-neighbor', 'class-mean', 'one-image']).default('sbg'),
    sigma: z
      .union([sigma, z.array(sigma).min(1)])
      .default(1)
      .describe(
        'for sbg: noise level or levels, in units of the data scaled to [-1, 1] (toy: raw coordinates)',
      ),
    combine: z
      .enum(['variance', 'unit'])
      .default('variance')
      .describe(
        'for several levels: mean weighted by sigma², which is that of the denoised images, or mean of unit vectors',
      ),
    draws: count.default(1).describe('for sbg: noise draws averaged per image and level'),
    guidance: z
      .union([z.literal('difference'), z.number().positive()])
      .default('difference')
      .describe(
        'for sbg: difference is s(x|y) - s(x); a number w is the guided score s(x) + w (s(x|y) - s(x)), w = 1 being s(x|y)',
      ),
    conditional: modelSchema
      .optional()
      .describe('for sbg: score model that gives s(x|y); default: the one that the score stage trains'),
    unconditional: modelSchema
      .optional()
      .describe('for sbg: score model that gives s(x); default: the same as s(x|y)'),
    precision: precision
      .default('float32')
      .describe('for sbg: bfloat16 is faster where the processor has it; see docs/targets.md'),
    neighbors: count.default(1).describe('for nearest-neighbor: the mean of so many nearest images'),
    features: z
      .strictObject({
        ...modelReference,
        layer: z
          .enum(['penultimate', 'logits'])
          .default('penultimate')
          .describe('penultimate: what enters the last dense layer'),
      })
      .optional()
      .describe('for nearest-neighbor: searches among the features of a classifier instead of pixels'),
    targets: targetsSchema.default('all').describe('classes towards which each image has a gradient'),
    batchSize: count.default(64).describe('network evaluations at a time; does not change the gradients'),
    codec: z.enum(['float32', 'float16', 'int8']).default('float16'),
    shardImages: count.default(1024).describe('images per shard'),
    seed: seed.optional(),
  })
  .prefault({});
export type PrecomputeConfig = z.infer<typeof precomputeSchema>;

/** The noise levels as a list. */
export function sigmasOf({ sigma }: Pick<PrecomputeConfig, 'sigma'>): number[] {
  return typeof sigma === 'number' ? [sigma] : sigma;
}

/** The classes wanted, `all` where a name says enough. */
export function targetsOf({ targets }: Pick<PrecomputeConfig, 'targets'>) {
  return typeof targets === 'string' ? { kind: targets } : targets;
}

/** How many classes each image has a gradient towards. */
export function targetsPerImage(config: Pick<PrecomputeConfig, 'targets'>, classes: number): number {
  const targets = targetsOf(config);
  if ('count' in targets) return targets.count;
  return targets.kind === 'all' ? classes : classes - 1;
}

/** Every model that the settings name, those for other methods too. */
export function namedModels(config: PrecomputeConfig): ModelReference[] {
  const targets = targetsOf(config);
  const by = targets.kind === 'top' && targets.by !== 'class-mean' ? targets.by : undefined;
  const all = [config.conditional, config.unconditional, config.features, by];
  return all.filter((reference) => reference !== undefined);
}
