/** Score network for points: a perceptron with SiLU that sees the point, the noise level and the class. */
import type { ScoreNetworkConfig } from '../../../schemas/network-config.ts';
import { sizeOf } from '../../../schemas/shape.ts';
import { silu } from '../gradients/silu.ts';
import { tf } from '../tensor/tf.ts';
import { denseStack, denseStackParameters } from './blocks/dense.ts';
import { embeddingWidth, sinusoids } from './blocks/noise-embedding.ts';
import { spreadBy } from './blocks/spread.ts';
import type { ScoreNetwork } from './network.ts';

/**
 * @param shape shape of one point
 * @param outputs length of the last axis of the output
 */
export function makeScoreMlp(
  config: Extract<ScoreNetworkConfig, { kind: 'mlp' }>,
  shape: readonly number[],
  classes: number,
  outputs: number,
): ScoreNetwork {
  const dimensions = sizeOf(shape);
  const outShape = [...shape.slice(0, -1), outputs];
  const frequencies = 8;
  const widths = [dimensions + embeddingWidth(frequencies) + classes, ...config.hidden, sizeOf(outShape)];
  return {
    parameters: denseStackParameters(widths),
    forward(values, x, noise, oneHot, _pass, places) {
      const spread = spreadBy(places);
      const point = spread(tf.reshape(x, [-1, dimensions]) as tf.Tensor2D);
      const h = tf.concat2d([point, spread(sinusoids(noise, frequencies)), oneHot], 1);
      return tf.reshape(denseStack(values, widths.length - 1, h, silu), [-1, ...outShape]);
    },
  };
}
