/**
 * The layers of the network `cnn`, each as in PyTorch. An entry is a group of settings with a `kind`, or the kind
 * alone where all other settings may be left out: `relu` is `{ kind: relu }`.
 */
import * as z from 'zod';
import { count } from './setting-types.ts';

/** Share of values that dropout sets to 0. */
export const dropoutRate = z.number().min(0).lt(1);

const name = z.string().min(1).optional().describe('of its tensors; default: see naming');
const bias = z.boolean().default(true);
const pool = {
  size: count.default(2).describe('side of a window in pixels'),
  stride: count.optional().describe('default: the size'),
};

/** One layer, with every default filled in. */
export const layerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('conv'),
    channels: count,
    kernel: count.default(3),
    stride: count.default(1),
    padding: z.number().int().min(0).optional().describe('zeros on each side; default: half the kernel'),
    bias,
    name,
  }),
  z.strictObject({
    kind: z.literal('dense'),
    units: count.optional().describe('default: the number of classes'),
    bias,
    name,
  }),
  z.strictObject({ kind: z.literal('batch-norm'), name }),
  z.strictObject({ kind: z.literal('layer-norm'), name }),
  z.strictObject({ kind: z.literal('group-norm'), groups: count, name }),
  z.strictObject({
    kind: z.literal(['relu', 'elu', 'tanh', 'sigmoid', 'softplus', 'gelu', 'gelu-tanh', 'silu']),
  }),
  z.strictObject({
    kind: z.literal('leaky-relu'),
    slope: z.number().default(0.01).describe('of negative values'),
  }),
  z.strictObject({ kind: z.literal('max-pool'), ...pool }),
  z.strictObject({ kind: z.literal('avg-pool'), ...pool }),
  z.strictObject({ kind: z.literal(['global-avg-pool', 'flatten']) }),
  z.strictObject({ kind: z.literal('dropout'), rate: dropoutRate.default(0.5) }),
]);
export type LayerConfig = z.infer<typeof layerSchema>;

const kindAlone = z
  .enum([
    'dense',
    'batch-norm',
    'layer-norm',
    'relu',
    'leaky-relu',
    'elu',
    'tanh',
    'sigmoid',
    'softplus',
    'gelu',
    'gelu-tanh',
    'silu',
    'max-pool',
    'avg-pool',
    'global-avg-pool',
    'flatten',
    'dropout',
  ])
  .transform((kind) => layerSchema.parse({ kind }));

/** A layer as it is written. */
export const layerEntrySchema = z.union([kindAlone, layerSchema]);
