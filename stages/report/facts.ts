/** What every figure states about where its numbers come from, in one sentence each. */
import type { StageName } from '../../schemas/stage.ts';
import { type Markup, markup } from './markup.ts';
import type { VariantData } from './report-data.ts';
import { distinct } from './settings.ts';

/** More keys than this make a caption unreadable. */
const MOST_KEYS = 4;

/** Seed of the training run of a variant. */
export function trainSeed({ config }: VariantData): number {
  return config.train.seed ?? config.seed;
}

/** Training method in words, e.g. `sbg, λ 1`; the effective settings only. */
export function methodOf({ config }: VariantData): string {
  if (config.train.method === 'vanilla') return 'vanilla';
  return `PAG, ${config.precompute.method} targets, λ ${config.train.lambda}`;
}

/** Seeds of training and of the attacks. */
export function figureSeed(variants: VariantData[]): string {
  const training = distinct(variants, (variant) => String(trainSeed(variant)));
  const attack = distinct(variants, (variant) => String(variant.attack.seed));
  return `Training seed ${training}, attack seed ${attack}.`;
}

/** The first so many digits of an artifact's key: enough to find it. */
export function shortKey(key: string): string {
  return key.slice(0, 12);
}

/** Where the keys of one stage's artifacts are: `Artifacts: train 0123456789ab (vanilla), ….`, or the table of all. */
export function keysOf(variants: VariantData[], stage: StageName): Markup {
  if (variants.length > MOST_KEYS) return markup`Artifact keys: <a href="#configuration">Configuration</a>.`;
  const names = variants.flatMap((variant) => {
    const entry = variant.keys.find((candidate) => candidate.stage === stage);
    return entry === undefined ? [] : [`${shortKey(entry.key)} (${variant.label})`];
  });
  return markup`Artifacts: ${stage} ${names.join(', ')}.`;
}

/** `images`, or `points` where the data is a plane. */
export function itemsOf(variants: VariantData[]): string {
  return distinct(variants, ({ dataset }) => (dataset.shape.length === 3 ? 'images' : 'points'));
}
