/** `attack.json`: what the outcomes come to. */
import { basename } from 'node:path';
import { stepsOf } from '../../schemas/attack-config.ts';
import {
  ATTACK_SUMMARY_VERSION,
  type AttackResult,
  type AttackSummary,
  type Interval,
} from '../../schemas/attack-results.ts';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { wilson } from '../numerics/analyses/wilson.ts';
import { accuracyCurve } from './accuracy-curve.ts';
import type { Merged } from './merge.ts';
import type { Victim } from './victim.ts';

/** All but the doubts and the certificate. */
export function summarize(
  victim: Victim,
  clean: readonly number[],
  merged: readonly Merged[],
  { attack, train }: ExperimentConfig,
): Omit<AttackSummary, 'doubts'> {
  const { images, dataset, model, seed, common } = victim;
  const n = images.count;
  const cleanCorrect = clean.filter((named, i) => named === images.labels[i]).length;
  return {
    version: ATTACK_SUMMARY_VERSION,
    model: attack.model === undefined ? train.network.kind : basename(attack.model.model),
    data: dataset.info.name,
    n,
    cleanCorrect,
    cleanInterval: intervalOf(cleanCorrect, n),
    seed,
    classNames: model.classNames,
    ...(common && { commonClasses: common }),
    attacks: merged.map((one) => resultOf(victim, clean, cleanCorrect, one)),
  };
}

function resultOf(
  victim: Victim,
  clean: readonly number[],
  cleanCorrect: number,
  { setting, name, outcome, totals }: Merged,
): AttackResult {
  const { count: n, labels } = victim.images;
  const robust = outcome.survived.filter(Boolean).length;
  return {
    name,
    method: setting.method,
    norm: setting.norm,
    eps: setting.eps,
    steps: stepsOf(setting),
    targeted: setting.targeted,
    transferFrom: setting.from === undefined ? null : basename(setting.from.model),
    n,
    cleanCorrect,
    robust,
    interval: intervalOf(robust, n),
    parts: totals.map(({ fall, ...rest }) => ({ attack: fall.attack, ...rest })),
    confusion: confusionOf(labels, outcome.prediction, victim.model.classNames.length),
    curve: setting.minimal ? accuracyCurve(outcome, clean, labels, setting.eps) : null,
  };
}

function intervalOf(count: number, n: number): Interval {
  const { low, high } = wilson(count, n);
  return { low, high };
}

/** Images by true class and class named; one whose logits are no numbers has no column. */
function confusionOf(labels: ArrayLike<number>, named: readonly number[], classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [i, column] of named.entries()) if (column >= 0) counts[labels[i]!]![column]! += 1;
  return counts;
}
