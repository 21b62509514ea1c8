/** How often an attack can ask about one image. */
import { stepsOf, USUAL_QUERIES } from '../../schemas/attack-config.ts';
import type { Part } from '../numerics/attacks/auto-attack.ts';

/** Points at which one image is asked for at most, over all restarts; null where the attack itself decides. */
export function budgetOf(part: Part): number | null {
  const { method, restarts = 1, draws = 1, queries = USUAL_QUERIES, randomStart } = part;
  const steps = stepsOf(part) ?? 1;
  switch (method) {
    case 'fgsm':
      return 2;
    case 'pgd':
      return (steps + 1) * (randomStart ? restarts : 1);
    case 'apgd-ce':
    case 'apgd-dlr':
      return (steps + 1) * draws * restarts;
    case 'square':
      return (queries + 1) * restarts;
    default:
      return null;
  }
}
