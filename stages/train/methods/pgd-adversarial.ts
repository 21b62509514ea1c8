/**
 * Adversarial training (Madry et al. 2018, eq. 2.1): cross entropy on what projected gradient descent makes of each
 * image, and on nothing else. With a small ε it is the low-ε training of Aggarwal et al. 2020.
 */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import { stepSizeOf } from '../../numerics/attacks/pgd.ts';
import { adversarialImages } from './adversarial.ts';
import type { TrainingMethod } from './method.ts';

export const pgdAdversarial = ({ pgd }: TrainConfig): TrainingMethod => {
  const attack = { ...pgd, stepSize: stepSizeOf(pgd) };
  return { inputs: (batch, evaluate) => adversarialImages(batch, evaluate, attack) };
};
