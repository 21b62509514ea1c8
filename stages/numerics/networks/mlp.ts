/** Multi-layer perceptron with ReLU: the classifier of the toy set. */
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import { sizeOf } from '../../../schemas/shape.ts';
import { tf } from '../tensor/tf.ts';
import { denseStack, denseStackParameters } from './blocks/dense.ts';
import type { Classifier } from './network.ts';

/** @param shape shape of one input, flattened before the first layer */
export function makeMlp(
  config: Extract<ClassifierConfig, { kind: 'mlp' }>,
  shape: readonly number[],
  classes: number,
): Classifier {
  const widths = [sizeOf(shape), ...config.hidden, classes];
  return {
    parameters: denseStackParameters(widths, shape),
    buffers: [],
    logits(values, x) {
      const h = tf.reshape(x, [-1, widths[0]!]);
      return denseStack(values, widths.length - 1, h, tf.relu);
    },
  };
}
