/** `model.json`: what the tensors beside it in `model.safetensors` belong to. */
import * as z from 'zod';
import { classifierSchema, normalizationSchema, scoreNetworkSchema } from './network-config.ts';
import { preconditioningSchema } from './preconditioning.ts';
import { count } from './setting-types.ts';

/** Raised when the `model.json` of a classifier means something else than before. */
export const MODEL_VERSION = 1;

const version = z.literal(MODEL_VERSION);

/** A classifier; all that is needed to build it again. */
export const classifierModelSchema = z.strictObject({
  version,
  network: classifierSchema,
  normalization: normalizationSchema,
  /** Of one input: [height, width, channels] of an image, [coordinates] of a point. */
  shape: z.array(count).min(1),
  classNames: z.array(z.string()).min(2),
  /** Trained values; running statistics are not counted. */
  parameters: z.number().int().min(0),
  /** Where the weights come from, in free form. */
  provenance: z.record(z.string(), z.json()).default({}),
});
export type ClassifierModel = z.infer<typeof classifierModelSchema>;

/** Raised when the `model.json` of a score model means something else than before. */
export const SCORE_MODEL_VERSION = 2;

/** A score model; all that is needed to build it again. */
export const scoreModelSchema = z.strictObject({
  version: z.literal(SCORE_MODEL_VERSION),
  network: scoreNetworkSchema,
  preconditioning: preconditioningSchema,
  /** The scale in which the model sees data: scaled = data · factor + shift */
  scale: z.strictObject({ factor: z.number(), shift: z.number() }),
  /** Of one input, as for classifiers. */
  shape: z.array(count).min(1),
  /** Empty for a model that knows no classes. */
  classNames: z.array(z.string()),
  /** Trained values. */
  parameters: z.number().int().min(0),
  /** Where the weights come from, in free form. */
  provenance: z.record(z.string(), z.json()).default({}),
});
export type ScoreModelDescription = z.infer<typeof scoreModelSchema>;
