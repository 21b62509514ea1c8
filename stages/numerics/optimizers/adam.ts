/** Adam (Kingma and Ba 2015, algorithm 1), with weight decay added to the gradient as in PyTorch's `Adam`. */
import type { OptimizerConfig } from '../../../schemas/train-config.ts';
import { tf } from '../tensor/tf.ts';
import type { Optimizer } from './optimizer.ts';

export function adam(config: Extract<OptimizerConfig, { kind: 'adam' }>): Optimizer {
  const { beta1, beta2, epsilon, weightDecay } = config;
  return {
    slots: 2,
    update(values, gradient, [first, second], learningRate, step) {
      const decayed = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(values, weightDecay));
      const m: tf.Tensor1D = tf.add(tf.mul(first!, beta1), tf.mul(decayed, 1 - beta1));
      const v: tf.Tensor1D = tf.add(tf.mul(second!, beta2), tf.mul(tf.square(decayed), 1 - beta2));
      // Bias corrections, folded into the step and into the root: √(v / (1 − β₂ᵗ)) + ε.
      const stepSize = learningRate / (1 - beta1 ** step);
      const root = tf.add(tf.mul(tf.sqrt(v), 1 / Math.sqrt(1 - beta2 ** step)), epsilon);
      return { values: tf.sub(values, tf.mul(tf.div(m, root), stepSize)), slots: [m, v] };
    },
  };
}
