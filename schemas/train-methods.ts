/**
 * The training methods and the settings that each reads besides those that all read. What a method does not read
 * decides nothing about its result and stays out of the artifact's key.
 */
import * as z from 'zod';
import { count, distance, eps, norm, probability } from './setting-types.ts';

const WEIGHT = ['lambda', 'lambdaSchedule'] as const;

export const METHOD_SETTINGS = {
  vanilla: [],
  pag: [...WEIGHT, 'targetsPerImage', 'targetsAtOnce', 'gradientOf'],
  'pgd-adversarial': ['pgd'],
  'fgsm-adversarial': ['fgsm'],
  'gaussian-noise': ['noise'],
  'randomized-smoothing': ['noise'],
  'gradient-norm': WEIGHT,
  smoothness: [...WEIGHT, 'smoothness'],
} as const satisfies Record<string, readonly string[]>;

export type MethodName = keyof typeof METHOD_SETTINGS;

export const METHOD_NAMES = Object.keys(METHOD_SETTINGS) as MethodName[];

/** The settings that decide the result of a training: all but those that only other methods read. */
export function settingsInUse<Train extends { method: MethodName }>(train: Train): Partial<Train> {
  const own: readonly string[] = METHOD_SETTINGS[train.method];
  const ofMethods: readonly string[] = Object.values(METHOD_SETTINGS).flat();
  const isUsed = ([name]: [string, unknown]) => own.includes(name) || !ofMethods.includes(name);
  return Object.fromEntries(Object.entries(train).filter(isUsed)) as Partial<Train>;
}

/** Whether the loss of a method has a penalty, which λ weighs. */
export function hasPenalty(method: MethodName): boolean {
  return (METHOD_SETTINGS[method] as readonly string[]).includes('lambda');
}

const pgdSchema = z
  .strictObject({
    norm: norm.default('L2'),
    eps: eps.default(0.5),
    steps: count.default(10),
    relativeStep: z.number().positive().default(2.5).describe('step = relativeStep * eps / steps'),
    randomStart: z.boolean().default(true),
  })
  .prefault({})
  .describe('for pgd-adversarial: the attack on each batch');

const fgsmSchema = z
  .strictObject({
    norm: norm.default('Linf'),
    eps: eps.default(0.1),
    relativeStep: z.number().positive().default(1).describe('step = relativeStep * eps'),
    randomStart: z.boolean().default(false).describe('Wong et al. 2020: true, with relativeStep 1.25'),
    cleanShare: probability
      .default(0.5)
      .describe('weight of the clean images: Goodfellow et al. 2015 0.5, Wong et al. 2020 0'),
  })
  .prefault({})
  .describe('for fgsm-adversarial: the attack on each batch');

const noiseSchema = z
  .strictObject({ sigma: distance.default(0.25).describe('standard deviation of each value') })
  .prefault({})
  .describe(
    'for gaussian-noise, which clips to the range of images, and randomized-smoothing, which does not',
  );

const smoothnessSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('gaussian'), sigma: distance.default(0.05) }),
    z.strictObject({ kind: z.literal('ball'), norm: norm.default('L2'), radius: distance.default(0.5) }),
    z.strictObject({ kind: z.literal('gradient'), length: distance.default(0.5).describe('L2 length h') }),
    z.strictObject({ kind: z.literal('sign'), length: distance.default(0.5).describe('L2 length h') }),
  ])
  .prefault({ kind: 'sign' })
  .describe(
    'for smoothness: the displacement; drawn from a normal distribution or uniformly from a ball, or along the ' +
      'gradient or its sign (curvature regularisation)',
  );
export type SmoothnessConfig = z.infer<typeof smoothnessSchema>;

/** Sections of `train` that belong to one method or a few. */
export const methodSections = {
  pgd: pgdSchema,
  fgsm: fgsmSchema,
  noise: noiseSchema,
  smoothness: smoothnessSchema,
};
