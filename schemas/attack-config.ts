/** Which attacks a classifier has to stand, and how. Every ε and every distance is in the units of the data. */
import * as z from 'zod';
import { count, distance, eps, seed } from './setting-types.ts';

/** The threat models of attacks. */
export const attackNorm = z.enum(['Linf', 'L2', 'L1']);
export type AttackNorm = z.infer<typeof attackNorm>;

/** The attacks that AutoAttack is made of. */
export const PART_NAMES = ['apgd-ce', 'apgd-dlr', 'apgd-t', 'fab', 'fab-t', 'square'] as const;
export type PartName = (typeof PART_NAMES)[number];

export const NOISE_NAMES = ['gaussian-noise', 'uniform-noise', 'salt-and-pepper'] as const;

export const METHOD_NAMES = ['fgsm', 'r-fgsm', 'pgd', ...PART_NAMES, 'auto-attack', ...NOISE_NAMES] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

export const AUTO_ATTACK_VERSIONS = ['standard', 'plus', 'rand', 'custom'] as const;

/** The attacks of each version of AutoAttack, in their order; `custom` names its own. */
const AUTO_ATTACK_PARTS: Record<'standard' | 'plus' | 'rand', readonly PartName[]> = {
  standard: ['apgd-ce', 'apgd-t', 'fab-t', 'square'],
  plus: ['apgd-ce', 'apgd-dlr', 'fab', 'square', 'apgd-t', 'fab-t'],
  rand: ['apgd-ce', 'apgd-dlr'],
};

const modelFolder = z.strictObject({
  model: z.string().min(1).describe('folder of a model: imported, or an artifact of train'),
  fingerprint: z.string().optional().describe('filled in by the program'),
});

export const attackEntrySchema = z.strictObject({
  method: z.enum(METHOD_NAMES),
  norm: attackNorm,
  eps: z.array(eps).min(1),
  steps: count.optional().describe('pgd: 20; apgd and fab: 100'),
  relativeStep: z.number().positive().default(2.5).describe('for pgd: step = relativeStep * eps / steps'),
  stepSize: distance.optional().describe('for pgd: length of a step, in place of relativeStep'),
  loss: z.enum(['ce', 'dlr', 'margin']).default('ce').describe('for fgsm, r-fgsm and pgd'),
  targeted: z
    .boolean()
    .default(false)
    .describe('fgsm, r-fgsm, pgd, square: towards a random other class, drawn by (seed, image)'),
  randomStart: z.boolean().default(false).describe('for pgd'),
  restarts: count.optional().describe('attempts at each image; 1, or as the version of auto-attack says'),
  draws: count
    .optional()
    .describe('apgd: gradients averaged over so many draws of a randomised classifier (EOT)'),
  targets: count.optional().describe('apgd-t, fab-t: other classes tried, most likely first; 9'),
  queries: count.optional().describe('square: 5000'),
  version: z.enum(AUTO_ATTACK_VERSIONS).default('standard').describe('of auto-attack'),
  attacks: z.array(z.enum(PART_NAMES)).min(1).optional().describe('of auto-attack in version custom'),
  minimal: z
    .boolean()
    .default(false)
    .describe(
      'fab, fab-t: look for the nearest adversarial image whatever eps is; gives accuracy against eps',
    ),
  from: modelFolder.optional().describe('transfer: adversarial images are made on this other model'),
});
export type AttackEntry = z.infer<typeof attackEntrySchema>;

/** One attack at one ε. */
export type AttackSetting = Omit<AttackEntry, 'eps'> & { eps: number };

/** Steps where none are given; other methods have none. */
const STEPS: Partial<Record<MethodName, number>> = {
  pgd: 20,
  'apgd-ce': 100,
  'apgd-dlr': 100,
  'apgd-t': 100,
  fab: 100,
  'fab-t': 100,
};

/** Steps of each attempt; null for methods without steps. */
export function stepsOf({ method, steps }: Pick<AttackEntry, 'method' | 'steps'>): number | null {
  const usual = STEPS[method];
  return usual === undefined ? null : (steps ?? usual);
}

/** Proposals of Square Attack at each attempt, where a setting says nothing. */
export const USUAL_QUERIES = 5000;

/** The attacks that AutoAttack is made of. */
export function partsOf({
  version,
  attacks = [],
}: Pick<AttackEntry, 'version' | 'attacks'>): readonly PartName[] {
  return version === 'custom' ? attacks : AUTO_ATTACK_PARTS[version];
}

/** The settings of a configuration in their order, one for each ε. */
export function attackSettings({ attacks }: Pick<AttackConfig, 'attacks'>): AttackSetting[] {
  return attacks.flatMap(({ eps, ...rest }) => eps.map((radius) => ({ ...rest, eps: radius })));
}

export const KEEP_NAMES = ['none', 'npz', 'png', 'both'] as const;

const certifySchema = z
  .strictObject({
    sigma: distance.describe('standard deviation of the noise; that of the training, as a rule'),
    n0: count.default(100).describe('draws that choose the class'),
    n: count.default(10_000).describe('draws that bound its probability; the larger, the larger the radii'),
    alpha: z
      .number()
      .gt(0)
      .lt(0.5)
      .default(0.001)
      .describe('probability, for each image, that its certificate is wrong'),
    images: count.optional().describe('certify only the first so many of the attacked images'),
    radii: z
      .array(eps)
      .min(1)
      .default([0, 0.25, 0.5, 0.75, 1])
      .describe('L2 distances at which the certified accuracy is told'),
  })
  .describe('L2 certificate of the smoothed classifier (Cohen et al. 2019); off unless given');
export type CertifyConfig = z.infer<typeof certifySchema>;

export const attackSchema = z
  .strictObject({
    model: modelFolder.optional().describe('attack this model instead of the one that train makes'),
    attacks: z
      .array(attackEntrySchema)
      .prefault([{ method: 'pgd', norm: 'L2', eps: [0.5, 1, 1.5] }])
      .describe('may be empty: then only the clean accuracy is measured'),
    certify: certifySchema.optional(),
    noise: distance
      .optional()
      .describe('randomised defence: the classifier adds Gaussian noise of this deviation to its input'),
    images: count.optional().describe('use only the first so many test images'),
    batchSize: count.default(128).describe('points asked for at a time; does not change the result'),
    chunkImages: count
      .optional()
      .describe(
        'images that one process attacks at a time: 128, or fewer where cores would have none; does not change the result',
      ),
    keep: z.enum(KEEP_NAMES).default('none').describe('adversarial images to keep'),
    seed: seed.optional(),
  })
  .prefault({});
export type AttackConfig = z.infer<typeof attackSchema>;

/** Every model folder that the attacks name. */
export function attackedModels({ model, attacks }: AttackConfig) {
  return [model, ...attacks.map(({ from }) => from)].filter((reference) => reference !== undefined);
}
