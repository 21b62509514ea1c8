/** Small convolutional classifier: convolutions with ReLU, then dense layers. */
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { convolutionParameters, convolve } from './blocks/convolution.ts';
import { denseStack, denseStackParameters } from './blocks/dense.ts';
import type { Classifier } from './network.ts';

/** @param shape [height, width, channels] of an image */
export function makeCnn(
  config: Extract<ClassifierConfig, { kind: 'cnn' }>,
  shape: readonly number[],
  classes: number,
): Classifier {
  let [height, width, channels] = shape as [number, number, number];
  const parameters: ParameterSpec[] = [];
  config.convolutions.forEach((layer, i) => {
    parameters.push(
      ...convolutionParameters(`conv${i + 1}`, channels, layer.channels, { kernel: layer.kernel }),
    );
    channels = layer.channels;
    height = Math.ceil(height / layer.stride);
    width = Math.ceil(width / layer.stride);
  });
  const widths = [height * width * channels, ...config.dense, classes];
  parameters.push(...denseStackParameters(widths, [height, width, channels]));
  return {
    parameters,
    buffers: [],
    logits(values, x) {
      let h = x;
      config.convolutions.forEach((layer, i) => {
        h = tf.relu(convolve(values, `conv${i + 1}`, h, { stride: layer.stride }));
      });
      h = tf.reshape(h, [-1, widths[0]!]);
      return denseStack(values, widths.length - 1, h, tf.relu);
    },
  };
}
