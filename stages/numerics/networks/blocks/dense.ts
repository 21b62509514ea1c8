/** Fully connected layer, PyTorch's `nn.Linear`. */
import { denseLayout } from '../../../../store/torch-layout.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';

/**
 * `weight` [inputs, outputs] and `bias` [outputs], both uniform in ±1/√inputs (PyTorch's default).
 *
 * @param flattened the image [height, width, channels] that the inputs were, where the layer follows one
 */
export function denseParameters(
  name: string,
  inputs: number,
  outputs: number,
  flattened?: readonly number[],
): ParameterSpec[] {
  const bound = 1 / Math.sqrt(inputs);
  return [
    {
      name: `${name}.weight`,
      shape: [inputs, outputs],
      initializer: { kind: 'uniform', bound },
      torch: denseLayout(inputs, outputs, flattened),
    },
    { name: `${name}.bias`, shape: [outputs], initializer: { kind: 'uniform', bound } },
  ];
}

/** x: [batch, inputs] -> [batch, outputs]. */
export function dense(parameters: Parameters, name: string, x: tf.Tensor): tf.Tensor2D {
  const product = tf.matMul(x as tf.Tensor2D, parameters[`${name}.weight`] as tf.Tensor2D);
  return tf.add(product, parameters[`${name}.bias`]!);
}

/**
 * Parameters of {@link denseStack}: layers `fc1`, `fc2` … from each width to the next.
 *
 * @param flattened as in {@link denseParameters}, for the first layer
 */
export function denseStackParameters(
  widths: readonly number[],
  flattened?: readonly number[],
): ParameterSpec[] {
  return widths
    .slice(1)
    .flatMap((width, i) => denseParameters(`fc${i + 1}`, widths[i]!, width, i === 0 ? flattened : undefined));
}

/** x: [batch, inputs] -> [batch, outputs] through `layers` layers, with the activation between them. */
export function denseStack(
  parameters: Parameters,
  layers: number,
  x: tf.Tensor,
  activation: (h: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  let h = x;
  for (let i = 1; i < layers; i++) h = activation(dense(parameters, `fc${i}`, h));
  return dense(parameters, `fc${layers}`, h);
}
