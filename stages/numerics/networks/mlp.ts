/** Multi-layer perceptron with ReLU: the classifier of the toy set. */
import type { ClassifierConfig } from '../../../schemas/config.ts';
import { type ParameterSpec, sizeOf } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { dense, denseParameters } from './blocks/dense.ts';
import type { Classifier } from './network.ts';

/** @param shape shape of one input, flattened before the first layer */
export function makeMlp(
  config: Extract<ClassifierConfig, { kind: 'mlp' }>,
  shape: readonly number[],
  classes: number,
): Classifier {
  const widths = [sizeOf(shape), ...config.hidden, classes];
  const layers = widths.length - 1;
  const parameters: ParameterSpec[] = [];
  for (let i = 0; i < layers; i++)
    parameters.push(...denseParameters(`fc${i + 1}`, widths[i]!, widths[i + 1]!));
  return {
    parameters,
    logits(values, x) {
      let h: tf.Tensor = tf.reshape(x, [-1, widths[0]!]);
      if (config.inputScale !== 1) h = tf.mul(h, 1 / config.inputScale);
      for (let i = 1; i < layers; i++) h = tf.relu(dense(values, `fc${i}`, h));
      return dense(values, `fc${layers}`, h);
    },
  };
}
