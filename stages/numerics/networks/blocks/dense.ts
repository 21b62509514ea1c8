/** Fully connected layer, PyTorch's `nn.Linear`. */
import { denseLayout } from '../../../../store/torch-layout.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import type { Layer } from './layer.ts';
import { type Start, torchStart } from './start.ts';

export interface DenseOptions {
  /** The image [height, width, channels] that the inputs were, where the layer follows a flattened one. */
  flattened?: readonly number[] | undefined;
  /** Default true. */
  bias?: boolean;
  /** Default {@link torchStart}. */
  start?: Start;
}

/** `weight` [inputs, outputs], and `bias` [outputs] where there is one. */
export function denseParameters(
  name: string,
  inputs: number,
  outputs: number,
  { flattened, bias = true, start = torchStart(inputs) }: DenseOptions = {},
): ParameterSpec[] {
  const weight = {
    name: `${name}.weight`,
    shape: [inputs, outputs],
    initializer: start.weight,
    torch: denseLayout(inputs, outputs, flattened),
  };
  return bias ? [weight, { name: `${name}.bias`, shape: [outputs], initializer: start.bias }] : [weight];
}

/** x: [batch, inputs] -> [batch, outputs]; with the bias where the parameters hold one. */
export function dense(values: Parameters, name: string, x: tf.Tensor): tf.Tensor2D {
  const product: tf.Tensor2D = tf.matMul(x as tf.Tensor2D, values[`${name}.weight`] as tf.Tensor2D);
  const bias = values[`${name}.bias`];
  return bias === undefined ? product : tf.add(product, bias);
}

/** {@link dense} as a layer. */
export function denseLayer(name: string, inputs: number, outputs: number, options?: DenseOptions): Layer {
  return {
    parameters: denseParameters(name, inputs, outputs, options),
    buffers: [],
    apply: (values, x) => dense(values, name, x),
  };
}

/**
 * Parameters of {@link denseStack}: layers `fc1`, `fc2` … from each width to the next.
 *
 * @param flattened as in {@link DenseOptions}, for the first layer
 */
export function denseStackParameters(
  widths: readonly number[],
  flattened?: readonly number[],
): ParameterSpec[] {
  return widths
    .slice(1)
    .flatMap((width, i) =>
      denseParameters(`fc${i + 1}`, widths[i]!, width, { flattened: i === 0 ? flattened : undefined }),
    );
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
