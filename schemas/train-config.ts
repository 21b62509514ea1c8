/** How a classifier is trained: method, optimiser, schedules. */
import * as z from 'zod';
import { classifierSchema, normalizationSchema } from './network-config.ts';
import { count, distance, norm, precision, probability, seed } from './setting-types.ts';
import { METHOD_NAMES, methodSections } from './train-methods.ts';

const optimizerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('adam'),
    learningRate: z.number().positive().default(1e-3),
    beta1: probability.default(0.9),
    beta2: probability.default(0.999),
    epsilon: z.number().positive().default(1e-8),
    weightDecay: z.number().min(0).default(0).describe('L2 penalty added to the gradient'),
  }),
  z.strictObject({
    kind: z.literal('sgd'),
    learningRate: z.number().positive().default(0.1),
    momentum: probability.default(0.9),
    nesterov: z.boolean().default(false),
    weightDecay: z.number().min(0).default(0).describe('L2 penalty added to the gradient'),
  }),
]);
export type OptimizerConfig = z.infer<typeof optimizerSchema>;

const learningRateScheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  z.strictObject({
    kind: z.literal('cosine'),
    warmupEpochs: z.number().min(0).default(0).describe('linear rise from 0'),
  }),
  z.strictObject({
    kind: z.literal('steps'),
    epochs: z.array(z.number().positive()).min(1).describe('epochs after which the rate falls'),
    factor: z.number().positive().default(0.1),
  }),
]);
export type LearningRateSchedule = z.infer<typeof learningRateScheduleSchema>;

const validationAttackSchema = z.strictObject({
  method: z.enum(['fgsm', 'pgd']).default('pgd'),
  norm,
  eps: distance,
  steps: count.default(10).describe('for pgd'),
  relativeStep: z.number().positive().default(2.5).describe('for pgd: step = relativeStep * eps / steps'),
  randomStart: z.boolean().default(false),
});

const validationSchema = z.strictObject({
  images: count.describe('training images that are held out, drawn by the seed, as many of each class'),
  attack: validationAttackSchema,
  patience: count.default(5).describe('training ends after so many evaluations without improvement'),
  everyEpochs: count
    .default(1)
    .describe('epochs from one evaluation to the next; the last is evaluated always'),
});
export type ValidationConfig = z.infer<typeof validationSchema>;

export const trainSchema = z
  .strictObject({
    method: z.enum(METHOD_NAMES).default('pag'),
    network: classifierSchema.prefault({ kind: 'cnn' }),
    normalization: z
      .union([z.literal('dataset'), normalizationSchema])
      .prefault({})
      .describe(
        'part of the network, so that gradients and ε are in pixels; dataset: mean and deviation of each channel',
      ),
    lambda: z
      .number()
      .min(0)
      .default(1)
      .describe('weight of the penalty: for pag, gradient-norm, smoothness'),
    lambdaSchedule: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('constant') }),
        z.strictObject({
          kind: z.literal('warmup'),
          epochs: z.number().positive().describe('linear rise from 0'),
        }),
        z.strictObject({
          kind: z.literal('two-phase'),
          zeroEpochs: z.number().positive().describe('epochs of cross entropy alone'),
          rampEpochs: z.number().min(0).default(0).describe('linear rise from 0 after them'),
        }),
      ])
      .default({ kind: 'constant' }),
    ...methodSections,
    targetsPerImage: z
      .union([z.literal('all'), count])
      .default(2)
      .describe('targets drawn per image and step'),
    targetsAtOnce: count
      .default(10)
      .describe('targets whose gradients are taken together: speed against memory, the result is the same'),
    gradientOf: z.enum(['logit', 'log-softmax']).default('logit'),
    epochs: count.default(15),
    batchSize: count.default(128),
    microBatch: count.optional().describe('images per pass through the network; bounds the memory'),
    optimizer: optimizerSchema.prefault({ kind: 'adam' }),
    schedule: learningRateScheduleSchema.default({ kind: 'constant' }),
    clipNorm: z.number().positive().optional().describe('largest norm of the whole gradient'),
    augment: z
      .strictObject({
        shift: z.number().int().min(0).default(0).describe('largest shift in pixels, zero padded'),
        flip: z.boolean().default(false).describe('mirror left and right'),
      })
      .prefault({}),
    ema: z
      .strictObject({
        halfLifeImages: z.number().positive().default(10_000).describe('half-life of the average, in images'),
      })
      .optional()
      .describe('evaluates and keeps a running average of the weights'),
    validation: validationSchema
      .optional()
      .describe('keeps the weights that do best on held-out images under attack, and stops early'),
    precision: precision
      .default('float32')
      .describe('bfloat16: faster where the processor has it; see docs/architecture.md for what it costs'),
    from: z
      .string()
      .min(1)
      .optional()
      .describe(
        'folder of a model to start from, which gives network and normalization; relative to the working directory',
      ),
    fromFingerprint: z
      .string()
      .optional()
      .describe('checksum of that model; filled in before a run, so that exchanged weights are noticed'),
    checkpointSteps: count.default(50).describe('steps between checkpoints'),
    seed: seed.optional(),
  })
  .prefault({});
export type TrainConfig = z.infer<typeof trainSchema>;
