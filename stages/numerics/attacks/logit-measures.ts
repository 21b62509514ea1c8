/** How near the logits of one input are to a goal, for attacks that ask for no gradients. */

import type { Problem } from './attack.ts';

/** What such attacks make small: the margin of the label, or the cross entropy of the target. */
export const objective = (
  logits: ArrayLike<number>,
  { label, target }: Pick<Problem, 'label' | 'target'>,
): number => (target === null ? margin(logits, label) : crossEntropy(logits, target));

/** z_y − max_{i ≠ y} z_i: below 0 where another class is named. */
export function margin(logits: ArrayLike<number>, label: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < logits.length; k++) if (k !== label) largest = Math.max(largest, logits[k]!);
  return logits[label]! - largest;
}

/** log Σ exp z − z_t */
export function crossEntropy(logits: ArrayLike<number>, target: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < logits.length; k++) largest = Math.max(largest, logits[k]!);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) sum += Math.exp(logits[k]! - largest);
  return Math.log(sum) + largest - logits[target]!;
}
