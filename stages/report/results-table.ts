/** The figures of the report for programs: rows of `results.parquet` and the content of `summary.json`. */
import { hasPenalty } from '../../schemas/train-methods.ts';
import type { TableColumn } from '../../store/tables.ts';
import { wilson } from '../numerics/analyses/wilson.ts';
import { trainSeed } from './facts.ts';
import { keyOf, type ReportData, type VariantData } from './report-data.ts';

/** One variant under one attack setting. */
export interface ResultRow {
  variant: string;
  dataset: string;
  /** Training method. */
  method: string;
  /** Method of the target gradients; null for training without them. */
  targets: string | null;
  /** Weight of the penalty; 0 for methods without one. */
  lambda: number;
  /** Seed of the training run. */
  seed: number;
  attackSeed: number;
  attack: string;
  norm: string;
  eps: number;
  /** Null for methods without steps. */
  steps: number | null;
  targeted: boolean;
  randomStart: boolean;
  restarts: number;
  n: number;
  cleanCorrect: number;
  robust: number;
  cleanAccuracy: number;
  robustAccuracy: number;
  /** Wilson's 95 % interval of the robust accuracy. */
  robustLow: number;
  robustHigh: number;
  datasetKey: string | null;
  /** Null where the variant learned no score. */
  scoreKey: string | null;
  /** Null for training without target gradients. */
  precomputeKey: string | null;
  trainKey: string | null;
  attackKey: string | null;
}

/** Rows in the order of variants and, within one, of its attacks. */
export function resultRows({ variants }: ReportData): ResultRow[] {
  return variants.flatMap((variant) =>
    variant.attack.attacks.map((figure) => {
      const { low, high } = wilson(figure.robust, figure.n);
      return {
        ...variantColumns(variant),
        attack: figure.method,
        norm: figure.norm,
        eps: figure.eps,
        steps: figure.steps,
        targeted: figure.targeted,
        randomStart: figure.randomStart,
        restarts: figure.restarts,
        n: figure.n,
        cleanCorrect: figure.cleanCorrect,
        robust: figure.robust,
        cleanAccuracy: figure.cleanCorrect / figure.n,
        robustAccuracy: figure.robust / figure.n,
        robustLow: low,
        robustHigh: high,
        datasetKey: keyOf(variant, 'dataset'),
        scoreKey: keyOf(variant, 'score'),
        precomputeKey: keyOf(variant, 'precompute'),
        trainKey: keyOf(variant, 'train'),
        attackKey: keyOf(variant, 'attack'),
      };
    }),
  );
}

function variantColumns(variant: VariantData) {
  const { label, config, dataset, attack } = variant;
  return {
    variant: label,
    dataset: dataset.name,
    method: config.train.method,
    targets: config.train.method === 'pag' ? config.precompute.method : null,
    lambda: hasPenalty(config.train.method) ? config.train.lambda : 0,
    seed: trainSeed(variant),
    attackSeed: attack.seed,
  };
}

const COLUMN_TYPES: Record<keyof ResultRow, TableColumn['type']> = {
  variant: 'STRING',
  dataset: 'STRING',
  method: 'STRING',
  targets: 'STRING',
  lambda: 'DOUBLE',
  seed: 'DOUBLE', // seeds reach 2³² − 1, past INT32
  attackSeed: 'DOUBLE',
  attack: 'STRING',
  norm: 'STRING',
  eps: 'DOUBLE',
  steps: 'INT32',
  targeted: 'BOOLEAN',
  randomStart: 'BOOLEAN',
  restarts: 'INT32',
  n: 'INT32',
  cleanCorrect: 'INT32',
  robust: 'INT32',
  cleanAccuracy: 'DOUBLE',
  robustAccuracy: 'DOUBLE',
  robustLow: 'DOUBLE',
  robustHigh: 'DOUBLE',
  datasetKey: 'STRING',
  scoreKey: 'STRING',
  precomputeKey: 'STRING',
  trainKey: 'STRING',
  attackKey: 'STRING',
};
const NULLABLE: readonly (keyof ResultRow)[] = [
  'steps',
  'targets',
  'datasetKey',
  'scoreKey',
  'precomputeKey',
  'trainKey',
  'attackKey',
];

/** The columns of `results.parquet`. */
export function resultColumns(data: ReportData): TableColumn[] {
  const rows = resultRows(data);
  return (Object.keys(COLUMN_TYPES) as (keyof ResultRow)[]).map((name) => ({
    name,
    type: COLUMN_TYPES[name],
    values: rows.map((row) => row[name]),
    nullable: NULLABLE.includes(name),
  }));
}

/** The content of `summary.json`. */
export function summaryOf(data: ReportData) {
  return {
    title: data.title,
    variants: data.variants.map((variant) => ({
      label: variant.label,
      dataset: variant.dataset.name,
      method: variant.config.train.method,
      n: variant.attack.n,
      cleanCorrect: variant.attack.cleanCorrect,
      cleanAccuracy: variant.attack.cleanCorrect / variant.attack.n,
      attackSeed: variant.attack.seed,
      doubts: variant.attack.doubts,
      attacks: variant.attack.attacks.map((figure) => ({
        ...figure,
        robustAccuracy: figure.robust / figure.n,
      })),
      certificate: variant.attack.certificate ?? null,
      alignment: variant.analysis.alignment,
      scoreAgreement: variant.analysis.scoreAgreement,
      codec: variant.targets,
      keys: Object.fromEntries(variant.keys.map(({ stage, key }) => [stage, key])),
    })),
  };
}
