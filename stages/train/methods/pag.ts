/** Alignment of the input gradients with target gradients (Ganz, Kawar and Elad 2023, eq. 4). */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import { alignmentCosines, alignmentLoss } from '../../numerics/losses/alignment.ts';
import { tf } from '../../numerics/tensor/tf.ts';
import type { TrainingMethod } from './method.ts';

export const pag = ({ gradientOf, targetsAtOnce }: TrainConfig): TrainingMethod => ({
  penalties({ targets }) {
    const groups = Array.from({ length: Math.ceil(targets.length / targetsAtOnce) }, (_, i) =>
      targets.slice(i * targetsAtOnce, (i + 1) * targetsAtOnce),
    );
    return groups.map((group) => ({ logits, x }) => {
      const cosines = alignmentCosines(logits, x, group, gradientOf);
      return {
        penalty: alignmentLoss(cosines),
        cosine: tf.div(tf.addN(cosines), targets.length),
      };
    });
  },
});
