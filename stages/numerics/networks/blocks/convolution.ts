/** 2-D convolution with bias, PyTorch's `nn.Conv2d` with padding ⌊kernel/2⌋, channels last. */
import { convolutionLayout } from '../../../../store/torch-layout.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';

/** `weight` [kernel, kernel, inputs, outputs] and `bias` [outputs], uniform in ±1/√(inputs·kernel²) · gain. */
export function convolutionParameters(
  name: string,
  inputs: number,
  outputs: number,
  kernel: number,
  gain = 1,
): ParameterSpec[] {
  const bound = gain / Math.sqrt(inputs * kernel * kernel);
  const shape = [kernel, kernel, inputs, outputs];
  return [
    {
      name: `${name}.weight`,
      shape,
      initializer: { kind: 'uniform', bound },
      torch: convolutionLayout(shape),
    },
    { name: `${name}.bias`, shape: [outputs], initializer: { kind: 'uniform', bound } },
  ];
}

/** x: [batch, h, w, inputs] -> [batch, ⌈h/stride⌉, ⌈w/stride⌉, outputs]; kernels are odd. */
export function convolution(parameters: Parameters, name: string, x: tf.Tensor, stride = 1): tf.Tensor4D {
  const weight = parameters[`${name}.weight`] as tf.Tensor4D;
  const border = weight.shape[0] >> 1;
  const image = x as tf.Tensor4D;
  // Beyond stride 1, TensorFlow's 'same' pads one side more than the other; PyTorch pads both alike. Padding by
  // an operation of its own keeps the convolution on the fast kernels, which know no explicit padding.
  const sides: [number, number] = [border, border];
  const product =
    stride === 1
      ? tf.conv2d(image, weight, 1, 'same')
      : tf.conv2d(tf.pad(image, [[0, 0], sides, sides, [0, 0]]), weight, stride, 'valid');
  return tf.add(product, parameters[`${name}.bias`]!);
}
