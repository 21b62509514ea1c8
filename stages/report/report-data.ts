/** All that the report is made from: plain values, so that the page is a pure function of them. */

import type { AttackEntry } from '../../schemas/attack-config.ts';
import type { AttackResult, AttackSummary } from '../../schemas/attack-results.ts';
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { DatasetInfo } from '../../schemas/dataset.ts';
import type { CodecName, PrecisionCost } from '../../schemas/gradient-store.ts';
import type { Analysis, EpochMetrics } from '../../schemas/results.ts';
import type { StageName } from '../../schemas/stage.ts';

export interface ReportData {
  title: string;
  /** In the order of the experiment file; at least one. */
  variants: VariantData[];
}

export interface VariantData {
  label: string;
  /** Name for narrow places: the label, or a number where labels are long. */
  short: string;
  config: ExperimentConfig;
  dataset: DatasetInfo;
  /** Keys of the artifacts that were read, in the order of the stages. */
  keys: { stage: StageName; key: string }[];
  attack: Omit<AttackSummary, 'attacks'> & { attacks: AttackFigure[] };
  epochs: EpochMetrics[];
  /** Null where no score was learned. */
  score: LearnedScore | null;
  targets: TargetStore | null;
  analysis: Analysis;
  pictures: Pictures | null;
  plane: Plane | null;
}

/** How a score model was trained. */
export interface LearnedScore {
  /** Loss by training step. */
  losses: { step: number; loss: number }[];
  /** Loss of held-out data at fixed noise levels, in units of the scaled data. */
  heldOut: { step: number; sigma: number; loss: number }[];
  /** The last sheet of samples; null where none was drawn. */
  sheet: SampleSheet | null;
}

/** A PNG file with a row for each class and one without class. */
export interface SampleSheet {
  step: number;
  width: number;
  height: number;
  png: Uint8Array;
}

/** A result together with the settings of its attack that only the configuration knows. */
export interface AttackFigure extends AttackResult {
  randomStart: boolean;
  restarts: number;
  /** Step size over ε; null for all but PGD. */
  relativeStep: number | null;
  /** Whether the nearest adversarial images were looked for, whatever ε is. */
  minimal: boolean;
  /** Of AutoAttack; null for others. */
  version: AttackEntry['version'] | null;
  /** Settings that are not the usual ones, in words. */
  extras: string[];
}

/** The stored target gradients, and 1 − cos between a gradient and what the codec made of it. */
export interface TargetStore {
  codec: CodecName;
  /** How the gradients were made, with noise levels and draws. */
  description: string;
  images: number;
  /** Per image, towards `classes` or, where `isListed`, towards so many of them. */
  targets: number;
  classes: number;
  isListed: boolean;
  bytes: number;
  meanCosineLoss: number;
  worstCosineLoss: number;
  /** Of a store in reduced precision. */
  precisionCost: PrecisionCost | null;
}

/** Row-major array. */
export interface Values {
  shape: number[];
  data: Float32Array;
}

/** The picture arrays of `Analysis.pictures`. */
export interface Pictures {
  images: Values;
  targets: Values | null;
  gradients: Values;
  attacked: Values;
}

/** The arrays of `Analysis.plane`. */
export interface Plane {
  points: Values;
  pointLabels: Values;
  boundary: Values;
  arrowsFrom: Values | null;
  arrows: Values | null;
}

/** Key of the artifact of a stage, or null where the variant has none. */
export function keyOf(variant: VariantData, stage: StageName): string | null {
  return variant.keys.find((entry) => entry.stage === stage)?.key ?? null;
}
