/** Activations by name, each PyTorch's layer of that name. */
import type { LayerConfig } from '../../../../schemas/layer-config.ts';
import { gelu, geluTanh } from '../../gradients/gelu.ts';
import { silu } from '../../gradients/silu.ts';
import { tf } from '../../tensor/tf.ts';
import { type Layer, pure } from './layer.ts';

/** Without settings; ELU with α = 1. */
const SIMPLE = {
  relu: tf.relu,
  elu: tf.elu,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  softplus: tf.softplus,
  gelu,
  'gelu-tanh': geluTanh,
  silu,
} as const satisfies Record<string, (x: tf.Tensor) => tf.Tensor>;

/** Values of any shape -> the same shape. */
export function activation(
  config: Extract<LayerConfig, { kind: keyof typeof SIMPLE | 'leaky-relu' }>,
): Layer {
  if (config.kind === 'leaky-relu') return pure((x) => tf.leakyRelu(x, config.slope));
  const apply: (x: tf.Tensor) => tf.Tensor = SIMPLE[config.kind];
  return pure(apply);
}
