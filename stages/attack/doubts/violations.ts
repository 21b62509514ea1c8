/** Adversarial points outside of what is allowed. No attack here makes them; the points are looked at all the same. */
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Norm } from '../../numerics/attacks/norms.ts';
import type { Attacked, Violations } from './attacked.ts';

/** float32 may round a perturbation this much past the ball, relative to ε; far less than 0.5 / 255 of 8 / 255. */
const ROUNDING = 1e-4;

/** What is wrong with one point; null if nothing. An ε of Infinity allows any distance. */
export function violationOf(
  x: Float32Array,
  image: Float32Array,
  { norm, eps, box }: { norm: Norm; eps: number; box: readonly [number, number] | null },
): keyof Violations | null {
  if (!x.every(Number.isFinite)) return 'nan';
  if (box !== null && x.some((value) => value < box[0] || value > box[1])) return 'box';
  return norm.distance(image, x) > eps * (1 + ROUNDING) + 1e-6 ? 'ball' : null;
}

/** One sentence for each kind of violation of an attack. */
export function violationDoubts({ result, violations }: Attacked): Doubt[] {
  const sentences = {
    ball: ['ball-violated', `lie farther from their images than ε = ${result.eps}`],
    box: ['box-violated', 'have values outside the box that images lie in'],
    nan: ['nan', 'hold values that are not finite numbers'],
  } as const;
  return (['ball', 'box', 'nan'] as const).flatMap((what) => {
    const [kind, found] = sentences[what];
    if (violations[what] === 0) return [];
    const sentence = `${result.name}: ${violations[what]} adversarial points ${found}. The attack is at fault and the figure is too low; do not use it, and report this as a defect.`;
    return [{ kind, sentence }];
  });
}
