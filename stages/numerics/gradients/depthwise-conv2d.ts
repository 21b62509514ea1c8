/** depthwiseConv2d to any order. */
import { tf } from '../tensor/tf.ts';
import { type ConvolutionAttributes, convolutionAdjoints } from './convolution.ts';

const { toImage, toFilter } = convolutionAdjoints({
  kernel: 'DepthwiseConv2dNative',
  forward: (image, filter, { strides, pad, dilations, dimRoundingMode }) =>
    tf.depthwiseConv2d(image, filter, strides, pad, 'NHWC', dilations, dimRoundingMode),
});

export function registerDepthwiseConv2d(): void {
  toImage.register();
  toFilter.register();
  tf.registerGradient({
    kernelName: 'DepthwiseConv2dNative',
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, [x, filter], attrs) => {
      const shapes = { imageShape: x!.shape, filterShape: filter!.shape };
      const full = { dilations: 1, ...attrs, ...shapes } as unknown as ConvolutionAttributes;
      return {
        x: () => toImage.run({ dy: dy as tf.Tensor, filter: filter! }, full)[0]!,
        filter: () => toFilter.run({ image: x!, dy: dy as tf.Tensor }, full)[0]!,
      };
    },
  });
}
