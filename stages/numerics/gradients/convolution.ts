/**
 * What conv2d and depthwiseConv2d share. A convolution is linear in the image and linear in the filter, and so
 * are its two adjoints: the gradient of each of the three is made of the other two, which closes the family under
 * differentiation. Layout is NHWC; filters are [height, width, in, out or multiplier].
 */

import type { KernelAttribute } from '../tensor/kernel.ts';
import { runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { defineOp, type Op } from './define-op.ts';

/** The attributes that tf.conv2d and tf.depthwiseConv2d record, with the shapes of both inputs. */
export interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dilations: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dataFormat?: 'NHWC' | 'NCHW';
  imageShape: [number, number, number, number];
  filterShape: [number, number, number, number];
}

/** The three members of one family. */
export interface ConvolutionFamily {
  /** TensorFlow's name of the forward kernel; the adjoints' names follow from it. */
  kernel: 'Conv2D' | 'DepthwiseConv2dNative';
  /** The convolution itself, recorded on the tape. */
  forward(image: tf.Tensor4D, filter: tf.Tensor4D, attrs: ConvolutionAttributes): tf.Tensor;
}

/** Geometry of a convolution in the terms of TensorFlow's backward kernels, which know no dilation. */
function geometry(family: ConvolutionFamily, attrs: ConvolutionAttributes) {
  const { imageShape, filterShape, strides, pad, dilations, dimRoundingMode } = attrs;
  const depthwise = family.kernel === 'DepthwiseConv2dNative';
  const info = tf.backend_util.computeConv2DInfo(
    imageShape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    depthwise,
  );
  const { top, bottom, left, right, type } = info.padInfo;
  // Only SAME and VALID reach oneDNN's kernels, which are several times faster than those for explicit padding.
  const padding: Record<string, KernelAttribute> =
    type === 'SAME' || type === 'VALID'
      ? { padding: type }
      : { padding: 'EXPLICIT', explicit_paddings: { ints: [0, 0, top, bottom, left, right, 0, 0] } };
  const kernelAttributes: Record<string, KernelAttribute> = {
    strides: { ints: [1, info.strideHeight, info.strideWidth, 1] },
    ...padding,
    data_format: 'NHWC',
  };
  return { kernelAttributes, rows: info.dilationHeight, columns: info.dilationWidth };
}

/** Spreads a filter out to its dilated size, with zeros in between. Off the tape. */
function dilate(filter: tf.Tensor, rows: number, columns: number): tf.Tensor {
  if (rows === 1 && columns === 1) return filter;
  const [h, w, cin, cout] = filter.shape as [number, number, number, number];
  const spread = tf.pad(tf.reshape(filter, [h, 1, w, 1, cin, cout]), [
    [0, 0],
    [0, rows - 1],
    [0, 0],
    [0, columns - 1],
    [0, 0],
    [0, 0],
  ]);
  const size = [(h - 1) * rows + 1, (w - 1) * columns + 1, cin, cout];
  return tf.slice(tf.reshape(spread, [h * rows, w * columns, cin, cout]), [0, 0, 0, 0], size);
}

/** The adjoint of {@link dilate}: takes the places of a dilated filter that are not zero. Off the tape. */
function undilate(filter: tf.Tensor, rows: number, columns: number): tf.Tensor {
  if (rows === 1 && columns === 1) return filter;
  return tf.stridedSlice(filter, [0, 0, 0, 0], filter.shape, [rows, columns, 1, 1]);
}

const shapeTensor = (shape: number[]) => tf.tensor1d(shape, 'int32');

/**
 * Makes the two adjoints of a convolution.
 * @returns `toImage`: (dy, filter) -> image, and `toFilter`: (image, dy) -> filter
 */
export function convolutionAdjoints(family: ConvolutionFamily) {
  const { kernel, forward } = family;
  const toImage: Op<'dy' | 'filter', ConvolutionAttributes> = defineOp({
    name: `${kernel}ToImage`,
    inputs: ['dy', 'filter'],
    forward: ({ dy, filter }, attrs) => {
      const { kernelAttributes, rows, columns } = geometry(family, attrs);
      const inputs = [shapeTensor(attrs.imageShape), dilate(filter, rows, columns), dy];
      return runFloatKernel(`${kernel}BackpropInput`, inputs, kernelAttributes);
    },
    gradient: ([v], { inputs: { dy, filter } }, attrs) => ({
      dy: () => forward(v as tf.Tensor4D, filter as tf.Tensor4D, attrs),
      filter: () => toFilter.run({ image: v!, dy }, attrs)[0]!,
    }),
  });
  const toFilter: Op<'image' | 'dy', ConvolutionAttributes> = defineOp({
    name: `${kernel}ToFilter`,
    inputs: ['image', 'dy'],
    forward: ({ image, dy }, attrs) => {
      const { kernelAttributes, rows, columns } = geometry(family, attrs);
      const [h, w, cin, cout] = attrs.filterShape;
      const dilated = [(h - 1) * rows + 1, (w - 1) * columns + 1, cin, cout];
      const inputs = [image, shapeTensor(dilated), dy];
      return undilate(runFloatKernel(`${kernel}BackpropFilter`, inputs, kernelAttributes), rows, columns);
    },
    gradient: ([v], { inputs: { image, dy } }, attrs) => ({
      image: () => toImage.run({ dy, filter: v! }, attrs)[0]!,
      dy: () => forward(image as tf.Tensor4D, v as tf.Tensor4D, attrs),
    }),
  });
  return { toImage, toFilter };
}
