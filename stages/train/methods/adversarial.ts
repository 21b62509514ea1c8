/**
 * What adversarial training shows the network: the images of a batch, moved to where its loss is largest.
 * The attack sees the network in evaluation mode, with running statistics and without dropout, because this is the
 * network that will be attacked later; the training pass on what it finds is in training mode.
 */

import { pgd } from '../../numerics/attacks/pgd.ts';
import type { AttackOptions, LogitsOf } from '../../numerics/attacks/tensor-attack.ts';
import { norms } from '../../numerics/attacks/tensor-norms.ts';
import type { tf } from '../../numerics/tensor/tf.ts';
import type { StepBatch } from './method.ts';

/** An attack on training images; lengths in the data's units. */
export type TrainingAttack = Pick<AttackOptions, 'eps' | 'steps' | 'stepSize' | 'randomStart'> & {
  norm: keyof typeof norms;
};

/** Adversarial images [batch, ...shape]: all steps are made, also past the border to another class. */
export function adversarialImages(
  { x, labels, box, randomOf }: StepBatch,
  evaluate: LogitsOf,
  { norm, ...lengths }: TrainingAttack,
): tf.Tensor {
  const attacked = { x, classes: labels, targeted: false };
  return pgd(evaluate, attacked, { ...lengths, norm: norms[norm], box, keepClimbing: true, randomOf });
}
