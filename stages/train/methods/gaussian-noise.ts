/** Training on noisy images, clipped to the range of images (Rusak et al. 2020). */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import { tf } from '../../numerics/tensor/tf.ts';
import type { TrainingMethod } from './method.ts';
import { gaussianOf } from './noise.ts';

export const gaussianNoise = ({ noise }: TrainConfig): TrainingMethod => ({
  inputs: (batch) => {
    const noisy = tf.add(batch.x, gaussianOf(batch, noise.sigma));
    return batch.box === null ? noisy : tf.clipByValue(noisy, ...batch.box);
  },
});
