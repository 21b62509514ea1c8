/** depthwiseConv2d to any order. */
import { tf } from '../tensor/tf.ts';
import { type ConvolutionAttributes, convolutionAdjoints } from './convolution.ts';

const { toImage, toFilter } = convolutionAdjoints({
  kernel: 'DepthwiseConv2dNative',
  forward: (image, filter, { strides, pad, dilations, dimRoundingMode }) =>
    tf.depthwiseConv2d(image, filter, strides, pad, 'NHWC', dilations, dimRoundingMode),
});

/**
 * The adjoint of `tf.depthwiseConv2d(image, filter, stride, 'same')`: each pixel of x spreads the filter.
 *
 * @param x [batch, height / stride, width / stride, c]
 * @param filter [taps, taps, c, 1]
 * @param size height and width of the result
 * @returns [batch, height, width, c]
 */
export function depthwiseTransposed(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  stride: number,
  size: readonly [number, number],
): tf.Tensor4D {
  const [batch, , , channels] = x.shape;
  return toImage.run(
    { dy: x, filter },
    {
      strides: stride,
      pad: 'same',
      dilations: 1,
      imageShape: [batch, size[0], size[1], channels],
      filterShape: filter.shape,
    },
  )[0] as tf.Tensor4D;
}

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
