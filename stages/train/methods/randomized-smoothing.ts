/**
 * Training for randomized smoothing (Cohen et al. 2019, section 3.3): on images with Gaussian noise, not clipped,
 * because the certificate of the attack stage is about exactly that noise.
 */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import { tf } from '../../numerics/tensor/tf.ts';
import type { TrainingMethod } from './method.ts';
import { gaussianOf } from './noise.ts';

export const randomizedSmoothing = ({ noise }: TrainConfig): TrainingMethod => ({
  inputs: (batch) => tf.add(batch.x, gaussianOf(batch, noise.sigma)),
});
