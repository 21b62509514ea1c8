/** Stochastic gradient descent with momentum, Nesterov's variant and weight decay, as in PyTorch's `SGD`. */
import type { OptimizerConfig } from '../../../schemas/train-config.ts';
import { tf } from '../tensor/tf.ts';
import type { Optimizer } from './optimizer.ts';

export function sgd(config: Extract<OptimizerConfig, { kind: 'sgd' }>): Optimizer {
  const { momentum, nesterov, weightDecay } = config;
  return {
    slots: 1,
    update(values, gradient, [velocity], learningRate) {
      const decayed = weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(values, weightDecay));
      const next: tf.Tensor1D = tf.add(tf.mul(velocity!, momentum), decayed);
      const direction = nesterov ? tf.add(decayed, tf.mul(next, momentum)) : next;
      return { values: tf.sub(values, tf.mul(direction, learningRate)), slots: [next] };
    },
  };
}
