/** Accuracy against ε from the least perturbations found: one minimal attack tells it for every ε at once. */
import type { AttackResult } from '../../schemas/attack-results.ts';
import type { Outcome } from './outcome.ts';

/** Steps from 0 to the largest perturbation; the ε of the attack is a point, too. */
const STEPS = 100;

/**
 * Images that stand at each radius: those right without an attack whose nearest adversarial image found is farther away.
 *
 * @param clean classes named on the clean images
 */
export function accuracyCurve(
  { distance }: Pick<Outcome, 'distance'>,
  clean: ArrayLike<number>,
  labels: ArrayLike<number>,
  eps: number,
): NonNullable<AttackResult['curve']> {
  const right = distance.filter((_, i) => clean[i] === labels[i]);
  // Where nothing was found the image stands at every radius.
  const lengths = right.map((length) => (length === 0 ? Number.POSITIVE_INFINITY : length));
  const largest = Math.max(eps, ...lengths.filter(Number.isFinite));
  const radii = Array.from({ length: STEPS + 1 }, (_, i) => (largest * i) / STEPS);
  const rising = [...new Set([...radii, eps])].sort((a, b) => a - b);
  return rising.map((radius) => ({
    eps: radius,
    robust: lengths.filter((length) => length > radius).length,
  }));
}
