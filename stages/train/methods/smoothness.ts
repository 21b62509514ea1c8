/**
 * Penalty on the change of the cross entropy's input gradient over a short way: ‖∇ₓ CE(x + δ) − ∇ₓ CE(x)‖². For
 * short δ this is ‖H δ‖² with the Hessian H by x. δ is random, or has L2 length h along the gradient or along its
 * sign: curvature regularisation (Moosavi-Dezfooli et al. 2019, who take the sign). As there, the square is not
 * divided by h², δ counts as a constant, and x + δ is not clipped.
 */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import type { SmoothnessConfig } from '../../../schemas/train-methods.ts';
import { norms } from '../../numerics/attacks/norms.ts';
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
      return pointsOfBall(way, batch);
    case 'gradient':
      return tf.mul(unit(gradient), way.length);
    case 'sign':
      return tf.mul(unit(tf.sign(gradient)), way.length);
  }
}

/** A point of the ball around 0 for each image; it depends on (seed, step, image) alone. */
function pointsOfBall(
  { norm, radius }: Extract<SmoothnessConfig, { kind: 'ball' }>,
  { x, randomOf }: StepBatch,
): tf.Tensor {
  const count = x.shape[0]!;
  const center = new Float32Array(x.size / count);
  const values = new Float32Array(x.size);
  for (let i = 0; i < count; i++) {
    values.set(norms[norm].randomPoint(center, radius, randomOf(i)), i * center.length);
  }
  return tf.tensor(values, x.shape);
}

/** Each image by its L2 length; one of length 0 stays 0. */
function unit(images: tf.Tensor): tf.Tensor {
  const lengths = tf.maximum(tf.sqrt(squaredLengths(images)), 1e-12);
  return tf.div(images, tf.reshape(lengths, [-1, ...images.shape.slice(1).map(() => 1)]));
}
