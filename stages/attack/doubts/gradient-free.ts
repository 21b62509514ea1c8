/**
 * Attacks without gradients that break what attacks with gradients left: the surest sign that gradients are masked
 * (Carlini et al. 2019, section 5). Noise is such an attack, too.
 */
import { type MethodName, NOISE_NAMES } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Attacked } from './attacked.ts';
import { broken, isTold, percentOf, rivalsOf } from './compare.ts';

const WITHOUT_GRADIENTS: readonly string[] = ['square', ...NOISE_NAMES] satisfies MethodName[];

export function gradientFreeDoubts(attacked: readonly Attacked[]): Doubt[] {
  return [...attacked.flatMap(withinCascade), ...betweenSettings(attacked)];
}

/** AutoAttack's own warning: Square lowers the accuracy that the attacks before it have reached. */
function withinCascade({ result: { name, parts, n } }: Attacked): Doubt[] {
  return parts.flatMap(({ attack, robust }, i) => {
    const left = parts[i - 1]?.robust;
    const isSecond = parts.slice(0, i).some((earlier) => !WITHOUT_GRADIENTS.includes(earlier.attack));
    if (left === undefined || !isSecond || !WITHOUT_GRADIENTS.includes(attack)) return [];
    return isTold(left - robust, n)
      ? [doubtOf(`${name}: ${attack}`, left - robust, n, 'the attacks before it')]
      : [];
  });
}

/** The same between attacks that were asked for side by side. */
function betweenSettings(attacked: readonly Attacked[]): Doubt[] {
  return attacked.flatMap((one) => {
    const { method, name, n } = one.result;
    if (!WITHOUT_GRADIENTS.includes(method)) return [];
    const rivals = rivalsOf(one, attacked).filter(({ result }) => !WITHOUT_GRADIENTS.includes(result.method));
    if (rivals.length === 0) return [];
    const won = broken(one).filter((image) => rivals.every((rival) => withGradientsLeft(rival, image)));
    if (!isTold(won.length, n)) return [];
    return [doubtOf(name, won.length, n, rivals.map(({ result }) => result.name).join(', '))];
  });
}

/** Whether an image stood until all attacks with gradients of a setting were done. */
function withGradientsLeft({ outcome, result }: Attacked, image: number): boolean {
  const part = outcome.part[image]!;
  return outcome.survived[image]! || WITHOUT_GRADIENTS.includes(result.parts[part]?.attack ?? '');
}

function doubtOf(name: string, won: number, n: number, losers: string): Doubt {
  const sentence = `${name}, which sees no gradients, broke ${won} of ${n} images (${percentOf(won, n)} %) that ${losers} left standing. Gradients may be masked, and the true accuracy lower than any figure here. Run square with more queries and restarts (queries: 20000, restarts: 5), and design an attack for what is special about this model.`;
  return { kind: 'square-wins', sentence };
}
