/** Images made on another model that fool where attacks on the classifier itself fail (Carlini et al. 2019, section 5). */
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Attacked } from './attacked.ts';
import { broken, isTold, percentOf, rivalsOf } from './compare.ts';

export function transferDoubts(attacked: readonly Attacked[]): Doubt[] {
  return attacked.flatMap((one) => {
    const { name, n, transferFrom } = one.result;
    const rivals = transferFrom === null ? [] : rivalsOf(one, attacked);
    if (rivals.length === 0) return [];
    const won = broken(one).filter((image) => rivals.every(({ outcome }) => outcome.survived[image])).length;
    if (!isTold(won, n)) return [];
    const losers = rivals.map(({ result }) => result.name).join(', ');
    const sentence = `${name}: images made on ${transferFrom} broke ${won} of ${n} images (${percentOf(won, n)} %) that attacks on the classifier itself (${losers}) left standing. Knowing less should not help: its gradients may be masked. Attack it with auto-attack, and count an image as robust only if it stands all attacks, these included.`;
    return [{ kind: 'transfer-wins', sentence }];
  });
}
