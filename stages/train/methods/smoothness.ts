/**
 * Penalty on the change of the cross entropy's input gradient over a short way: ‖∇ₓ CE(x + δ) − ∇ₓ CE(x)‖². For
 * short δ this is ‖H δ‖² with the Hessian H by x. δ is random, or has L2 length h along the gradient or along its
 * sign: curvature regularisation (Moosavi-Dezfooli et al. 2019, who take the sign). As there, the square is not
 * divided by h², δ counts as a constant, and x + δ is not clipped.
 */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import type { SmoothnessConfig } from '../../../schemas/train-methods.ts';
import { norms, randomPerturbation } from '../../numerics/attacks/tensor-norms.ts';
import { entropyGradient, squaredLengths } from '../../numerics/losses/entropy-gradient.ts';
import { tf } from '../../numerics/tensor/tf.ts';
import type { StepBatch, TrainingMethod } from './method.ts';
import { gaussianOf } from './noise.ts';

export const smoothness = ({ smoothness: way }: TrainConfig): TrainingMethod => ({
  penalties: (batch) => [
    ({ logits, x, again }) => {
      const here = entropyGradient(logits, x, batch.oneHot);
      // A copy from memory has no history, so nothing is differentiated through δ.
      const displaced = tf.add(x, displacement(way, batch, tf.tensor(here.dataSync(), here.shape)));
      const there = entropyGradient(again(displaced), displaced, batch.oneHot);
      return { penalty: squaredLengths(tf.sub(there, here)) };
    },
  ],
});

/** δ of each image, [batch, ...shape]. */
function displacement(way: SmoothnessConfig, batch: StepBatch, gradient: tf.Tensor): tf.Tensor {
  switch (way.kind) {
    case 'gaussian':
      return gaussianOf(batch, way.sigma);
    case 'ball':
      return randomPerturbation(norms[way.norm], batch.x.shape, way.radius, batch.randomOf);
    case 'gradient':
      return tf.mul(norms.L2.steepest(gradient), way.length);
    case 'sign':
      return tf.mul(norms.L2.steepest(tf.sign(gradient)), way.length);
  }
}
