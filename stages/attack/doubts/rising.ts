/** Accuracy that rises with ε. */
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Attacked } from './attacked.ts';
import { contradicts, familiesOf } from './compare.ts';

/** A larger ball leaves more. */
export function risingDoubts(attacked: readonly Attacked[]): Doubt[] {
  return familiesOf(attacked, 'eps').flatMap((family) => {
    const rising = family.map(({ result }) => result).sort((a, b) => a.eps - b.eps);
    return rising.slice(1).flatMap((large, i): Doubt[] => {
      const small = rising[i]!;
      if (!contradicts(large.robust, small.robust, large.n)) return [];
      const sentence = `${large.name} leaves ${large.robust} of ${large.n} images standing, more than ${small.name} with ${small.robust}, although its ball is larger: the attack gets stuck. Use more steps, a step size that grows with ε, restarts, or auto-attack.`;
      return [{ kind: 'order', sentence }];
    });
  });
}
