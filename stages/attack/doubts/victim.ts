/** Doubts about the classifier, which is looked at before it is attacked. */
import type { AttackSetting } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';
import { classOf } from '../../numerics/attacks/attack.ts';
import { answersAt, type Victim } from './ask.ts';
import { classDoubts } from './classes.ts';
import { gradientDoubts } from './gradients.ts';
import { outputDoubts } from './outputs.ts';
import { reachDoubts } from './reach.ts';

/** @param settings the attacks to come: some doubts are about them */
export function victimDoubts(victim: Victim, settings: readonly AttackSetting[]): Doubt[] {
  if (settings.length === 0 || victim.images.length === 0) return [];
  const images = [...victim.images.keys()];
  const clean = answersAt(victim, images, victim.images, null, 0);
  const right = images.filter((i) => classOf(clean[i]!.logits) === victim.labels[i]);
  return [
    ...outputDoubts(victim, clean, settings),
    ...gradientDoubts(victim, right),
    ...reachDoubts(victim, right),
    ...classDoubts(victim.oracle.classes, settings),
  ];
}
