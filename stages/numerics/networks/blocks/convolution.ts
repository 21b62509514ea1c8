/** 2-D convolution, PyTorch's `nn.Conv2d`, channels last. */
import { convolutionLayout } from '../../../../store/torch-layout.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import type { Layer } from './layer.ts';
import { type Start, torchStart } from './start.ts';

/** Where and how the kernel is laid on the image. */
export interface Placement {
  /** Default 1. */
  stride?: number;
  /** Zeros on each side; default ⌊kernel/2⌋. */
  padding?: number;
}

export interface ConvolutionOptions extends Placement {
  kernel: number;
  /** Default true. */
  bias?: boolean;
  /** Default {@link torchStart}. */
  start?: Start;
}

/** `weight` [kernel, kernel, inputs, outputs], and `bias` [outputs] where there is one. */
export function convolutionParameters(
  name: string,
  inputs: number,
  outputs: number,
  { kernel, bias = true, start = torchStart(inputs * kernel * kernel) }: ConvolutionOptions,
): ParameterSpec[] {
  const shape = [kernel, kernel, inputs, outputs];
  const weight = {
    name: `${name}.weight`,
    shape,
    initializer: start.weight,
    torch: convolutionLayout(shape),
  };
  return bias ? [weight, { name: `${name}.bias`, shape: [outputs], initializer: start.bias }] : [weight];
}

/**
 * x: [batch, h, w, inputs] -> [batch, h', w', outputs] with h' = ⌊(h + 2 padding − kernel) / stride⌋ + 1, w' alike;
 * with the bias where the parameters hold one.
 */
export function convolve(
  values: Parameters,
  name: string,
  x: tf.Tensor,
  { stride = 1, padding }: Placement = {},
): tf.Tensor4D {
  const weight = values[`${name}.weight`] as tf.Tensor4D;
  const bias = values[`${name}.bias`];
  const kernel = weight.shape[0];
  const border = padding ?? kernel >> 1;
  const image = x as tf.Tensor4D;
  // Beyond stride 1, TensorFlow's 'same' may pad one side more than the other; PyTorch pads both alike. Padding by
  // an operation of its own keeps the convolution on the fast kernels, which know no explicit padding.
  const isSame = [image.shape[1], image.shape[2]].every(
    (side) => (Math.ceil(side / stride) - 1) * stride + kernel - side === 2 * border,
  );
  const product = isSame
    ? tf.conv2d(image, weight, stride, 'same')
    : tf.conv2d(padded(image, border), weight, stride, 'valid');
  return bias === undefined ? product : tf.add(product, bias);
}

/** Zeros around each image. */
function padded(x: tf.Tensor4D, border: number): tf.Tensor4D {
  const sides: [number, number] = [border, border];
  return border === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]]);
}

/** {@link convolve} as a layer. */
export function convolution(
  name: string,
  inputs: number,
  outputs: number,
  options: ConvolutionOptions,
): Layer {
  return {
    parameters: convolutionParameters(name, inputs, outputs, options),
    buffers: [],
    apply: (values, x) => convolve(values, name, x, options),
  };
}
