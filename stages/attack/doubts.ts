/** The evaluator doubts itself: signs that an attack failed, rather than that a classifier is robust. */

import type { AttackSetting } from '../../schemas/attack-config.ts';
import type { AttackResult } from '../../schemas/attack-results.ts';
import type { Outcome } from './evaluate.ts';
import { settingName } from './settings.ts';

/** float32 may round a perturbation this much past the ball, relative to ε. */
const ROUNDING = 1e-5;

/** Perturbations that left the ball. */
export function ballDoubts(setting: AttackSetting, { distance }: Outcome): string[] {
  const outside = distance.filter((length) => !(length <= setting.eps * (1 + ROUNDING) + 1e-6)).length;
  return outside === 0
    ? []
    : [
        `${settingName(setting)}: ${outside} perturbations are longer than ε or not a number; the attack is wrong, ` +
          'do not use its figure.',
      ];
}

/** Images whose loss gradient is exactly zero: there is nothing to climb, so survival means nothing. */
export function gradientDoubts(zeroGradients: number, n: number): string[] {
  return zeroGradients === 0
    ? []
    : [
        `The loss gradient of ${zeroGradients} of ${n} clean images is exactly zero: attacks that follow gradients ` +
          'cannot move them; use an attack without gradients before you believe their survival.',
      ];
}

function sameFamily(a: AttackResult, b: AttackResult): boolean {
  return a.norm === b.norm && a.targeted === b.targeted;
}

/** Figures that contradict each other. */
export function orderDoubts(results: readonly AttackResult[]): string[] {
  const doubts: string[] = [];
  for (const a of results) {
    for (const b of results) {
      if (!sameFamily(a, b)) continue;
      const tolerance = Math.max(2, 0.005 * a.n);
      if (a.method === b.method && a.steps === b.steps && a.eps < b.eps && b.robust > a.robust + tolerance) {
        doubts.push(
          `${a.method} ${a.norm}: more images survive ε ${b.eps} (${b.robust}) than ε ${a.eps} (${a.robust}); the ` +
            'attack gets stuck, use more steps or restarts.',
        );
      }
      if (a.method === 'fgsm' && b.method === 'pgd' && a.eps === b.eps && b.robust > a.robust + tolerance) {
        doubts.push(
          `${a.norm} ε ${a.eps}: more images survive PGD (${b.robust}) than FGSM (${a.robust}), a sign of masked ` +
            'gradients; use AutoAttack before you believe these figures.',
        );
      }
    }
  }
  return doubts;
}
