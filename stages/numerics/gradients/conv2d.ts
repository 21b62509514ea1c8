/** conv2d and conv2dTranspose to any order: stride, dilation, "same", "valid" and explicit padding. */
import { tf } from '../tensor/tf.ts';
import { type ConvolutionAttributes, convolutionAdjoints } from './convolution.ts';

const { toImage, toFilter } = convolutionAdjoints({
  kernel: 'Conv2D',
  forward: (image, filter, { strides, pad, dilations, dimRoundingMode }) =>
    tf.conv2d(image, filter, strides, pad, 'NHWC', dilations, dimRoundingMode),
});

/** The attributes on the tape, completed by both shapes. */
function complete(
  attrs: tf.NamedAttrMap,
  imageShape: number[],
  filterShape: number[],
): ConvolutionAttributes {
  const recorded = { dilations: 1, ...attrs } as unknown as ConvolutionAttributes;
  if (recorded.dataFormat !== undefined && recorded.dataFormat !== 'NHWC') {
    throw new Error(`Expected conv2d in the layout NHWC, got ${recorded.dataFormat}.`);
  }
  return { ...recorded, imageShape, filterShape } as ConvolutionAttributes;
}

export function registerConv2d(): void {
  toImage.register();
  toFilter.register();
  tf.registerGradient({
    kernelName: 'Conv2D',
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, [x, filter], attrs) => {
      const full = complete(attrs, x!.shape, filter!.shape);
      return {
        // As many images as the cotangent holds, which may be several copies of the batch.
        x: () => {
          const imageShape = [(dy as tf.Tensor).shape[0]!, ...x!.shape.slice(1)];
          const ofCopies = complete(attrs, imageShape, filter!.shape);
          return toImage.run({ dy: dy as tf.Tensor, filter: filter! }, ofCopies)[0]!;
        },
        filter: () => toFilter.run({ image: x!, dy: dy as tf.Tensor }, full)[0]!,
      };
    },
  });
  // The kernel of tf.conv2dTranspose, whose "dy" is the image that is enlarged.
  tf.registerGradient({
    kernelName: 'Conv2DBackpropInput',
    inputsToSave: ['dy', 'filter'],
    gradFunc: (v, [dy, filter], attrs) => {
      const full = complete(attrs, attrs.inputShape as number[], filter!.shape);
      const { strides, pad, dimRoundingMode } = full;
      const image = v as tf.Tensor4D;
      return {
        dy: () => tf.conv2d(image, filter as tf.Tensor4D, strides, pad, 'NHWC', 1, dimRoundingMode),
        filter: () => toFilter.run({ image, dy: dy! }, full)[0]!,
      };
    },
  });
}
