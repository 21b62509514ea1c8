/**
 * The parameters of a network as one flat vector: optimisers, averages, clipping and checkpoints then need a
 * handful of operations whatever the number of layers.
 */

import { sizeOf } from '../../../schemas/shape.ts';
import type { TorchLayout } from '../../../store/torch-layout.ts';
import type { RandomStream } from './random.ts';
import { tf } from './tf.ts';

/** How a parameter starts. */
export type Initializer =
  | { kind: 'constant'; value: number }
  /** Uniform in ±bound. */
  | { kind: 'uniform'; bound: number }
  | { kind: 'normal'; deviation: number };

/** One parameter; `name` follows PyTorch's `layer.weight`, the layout is channels last (HWIO, [in, out]). */
export interface ParameterSpec {
  name: string;
  shape: number[];
  initializer: Initializer;
  /** The layout in files; left out where it is the same. */
  torch?: TorchLayout;
}

/** Parameters by name. */
export type Parameters = Record<string, tf.Tensor>;

/** Number of values of all parameters. */
export function parameterCount(specs: readonly ParameterSpec[]): number {
  return specs.reduce((sum, spec) => sum + sizeOf(spec.shape), 0);
}

/** Fresh parameters, [parameterCount], drawn in the order of the list. */
export function initializeParameters(specs: readonly ParameterSpec[], random: RandomStream): Float32Array {
  const flat = new Float32Array(parameterCount(specs));
  let offset = 0;
  for (const { shape, initializer } of specs) {
    const end = offset + sizeOf(shape);
    for (; offset < end; offset++) flat[offset] = draw(initializer, random);
  }
  return flat;
}

function draw(initializer: Initializer, random: RandomStream): number {
  switch (initializer.kind) {
    case 'constant':
      return initializer.value;
    case 'uniform':
      return (2 * random.uniform() - 1) * initializer.bound;
    case 'normal':
      return random.normal() * initializer.deviation;
  }
}

/** Cuts the flat vector [parameterCount] into tensors, in the order of the list. */
export function splitParameters(specs: readonly ParameterSpec[], flat: tf.Tensor1D): tf.Tensor[] {
  if (specs.length === 0) return [];
  const sizes = specs.map((spec) => sizeOf(spec.shape));
  return tf.tidy(() => tf.split(flat, sizes).map((part, i) => tf.reshape(part, specs[i]!.shape)));
}

/** Joins gradients, one per parameter, into a flat vector [parameterCount]. */
export function joinGradients(gradients: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.tidy(() => tf.concat1d(gradients.map((gradient) => tf.reshape(gradient, [-1]) as tf.Tensor1D)));
}

/** Parameters by name. */
export function nameParameters(specs: readonly ParameterSpec[], tensors: readonly tf.Tensor[]): Parameters {
  return Object.fromEntries(specs.map((spec, i) => [spec.name, tensors[i]!]));
}

/** Parameters by name, from a flat vector that lies in memory. The caller disposes them. */
export function loadParameters(specs: readonly ParameterSpec[], flat: Float32Array): Parameters {
  return tf.tidy(() => nameParameters(specs, splitParameters(specs, tf.tensor1d(flat))));
}
