/** Score network for points: a perceptron with SiLU that sees the point, the noise level and the class. */
import type { ScoreNetworkConfig } from '../../../schemas/config.ts';
import { silu } from '../gradients/silu.ts';
import { type ParameterSpec, sizeOf } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { dense, denseParameters } from './blocks/dense.ts';
import { embeddingWidth, sinusoids } from './blocks/noise-embedding.ts';
import type { ScoreNetwork } from './network.ts';

/** @param shape shape of one point */
export function makeScoreMlp(
  config: Extract<ScoreNetworkConfig, { kind: 'mlp' }>,
  shape: readonly number[],
  classes: number,
): ScoreNetwork {
  const dimensions = sizeOf(shape);
  const frequencies = 8;
  const widths = [dimensions + embeddingWidth(frequencies) + classes, ...config.hidden, dimensions];
  const layers = widths.length - 1;
  const parameters: ParameterSpec[] = [];
  for (let i = 0; i < layers; i++)
    parameters.push(...denseParameters(`fc${i + 1}`, widths[i]!, widths[i + 1]!));
  return {
    parameters,
    forward(values, x, noise, oneHot) {
      const point = tf.reshape(x, [-1, dimensions]) as tf.Tensor2D;
      let h: tf.Tensor = tf.concat2d([point, sinusoids(noise, frequencies), oneHot], 1);
      for (let i = 1; i < layers; i++) h = silu(dense(values, `fc${i}`, h));
      return tf.reshape(dense(values, `fc${layers}`, h), x.shape);
    },
  };
}
