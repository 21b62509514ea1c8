/**
 * Adversarial training with one step of the attack.
 *
 * Goodfellow et al. 2015, section 6: α CE(x) + (1 − α) CE(x + ε sign ∇ₓ CE(x)), α 0.5.
 * Wong et al. 2020, algorithm 3: α 0, a random start in the ball, a step of 1.25 ε and a projection onto the ball.
 */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import { stepSizeOf } from '../../numerics/attacks/pgd.ts';
import { crossEntropy } from '../../numerics/losses/cross-entropy.ts';
import { tf } from '../../numerics/tensor/tf.ts';
import { adversarialImages } from './adversarial.ts';
import type { TrainingMethod } from './method.ts';

export const fgsmAdversarial = ({ fgsm }: TrainConfig): TrainingMethod => {
  const { cleanShare, ...setting } = { ...fgsm, steps: 1 };
  const attack = { ...setting, stepSize: stepSizeOf(setting) };
  const inputs: TrainingMethod['inputs'] = (batch, evaluate) => adversarialImages(batch, evaluate, attack);
  if (cleanShare === 0) return { inputs };
  return {
    inputs,
    // Running statistics follow the adversarial images, as they do without clean ones.
    loss: ({ x, oneHot }, pass) =>
      tf.add(
        tf.mul(crossEntropy(pass.again(x), oneHot), cleanShare),
        tf.mul(pass.crossEntropy, 1 - cleanShare),
      ),
  };
};
