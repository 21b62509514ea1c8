/** Fully connected layer, PyTorch's `nn.Linear`. */
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';

/** `weight` [inputs, outputs] and `bias` [outputs], both uniform in ±1/√inputs (PyTorch's default). */
export function denseParameters(name: string, inputs: number, outputs: number): ParameterSpec[] {
  const bound = 1 / Math.sqrt(inputs);
  return [
    { name: `${name}.weight`, shape: [inputs, outputs], initializer: { kind: 'uniform', bound } },
    { name: `${name}.bias`, shape: [outputs], initializer: { kind: 'uniform', bound } },
  ];
}

/** x: [batch, inputs] -> [batch, outputs]. */
export function dense(parameters: Parameters, name: string, x: tf.Tensor): tf.Tensor2D {
  const product = tf.matMul(x as tf.Tensor2D, parameters[`${name}.weight`] as tf.Tensor2D);
  return tf.add(product, parameters[`${name}.bias`]!);
}
