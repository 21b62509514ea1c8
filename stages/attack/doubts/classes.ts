/** Doubts about attacks that try more classes than there are; those that cannot be made at all are refused before. */
import type { AttackSetting } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';

/** Other classes that targeted attacks try, as a rule. */
const USUAL_TARGETS = 9;

/** @param classes of the classifier */
export function classDoubts(classes: number, settings: readonly AttackSetting[]): Doubt[] {
  const short = settings.filter(
    (setting) => triesTargets(setting) && classes - 1 < (setting.targets ?? USUAL_TARGETS),
  );
  if (short.length === 0) return [];
  const names = [...new Set(short.map(({ method }) => method))].join(', ');
  const sentence = `${names}: the usual ${short[0]!.targets ?? USUAL_TARGETS} target classes cannot be tried, as there are only ${classes - 1} beside the true one. All of those are tried, so nothing is missed, but it is less than the standard says; state the number of classes beside the figure when you compare it with others.`;
  return [{ kind: 'few-classes', sentence }];
}

function triesTargets({ method, version, attacks = [] }: AttackSetting): boolean {
  if (method !== 'auto-attack') return method === 'apgd-t' || method === 'fab-t';
  if (version === 'custom') return attacks.includes('apgd-t') || attacks.includes('fab-t');
  return version !== 'rand';
}
