/**
 * Layers as values: what a layer holds and what it does, in one place, so that a name is written once. Networks of
 * one path are a sequence of them; networks with branches join what their branches hold and say how they meet.
 */
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import type { tf } from '../../tensor/tf.ts';
import type { Classifier, TrainingPass } from '../network.ts';

/** What a layer holds. */
export interface Held {
  parameters: ParameterSpec[];
  /** Running statistics, as in {@link Classifier}. */
  buffers: ParameterSpec[];
}

export interface Layer extends Held {
  /** @param training as in {@link Classifier.logits} */
  apply(values: Parameters, x: tf.Tensor, training?: TrainingPass): tf.Tensor;
}

/** A layer without parameters. */
export function pure(apply: (x: tf.Tensor) => tf.Tensor): Layer {
  return { parameters: [], buffers: [], apply: (_values, x) => apply(x) };
}

/** What several layers hold together, in their order. */
export function holding(...layers: readonly Held[]): Held {
  return {
    parameters: layers.flatMap(({ parameters }) => parameters),
    buffers: layers.flatMap(({ buffers }) => buffers),
  };
}

/** One layer after the other. */
export function sequence(...layers: readonly Layer[]): Layer {
  return {
    ...holding(...layers),
    apply: (values, x, training) => layers.reduce((h, layer) => layer.apply(values, h, training), x),
  };
}

/** The classifier whose logits a layer computes. */
export function classifierOf(layer: Layer): Classifier {
  return {
    parameters: layer.parameters,
    buffers: layer.buffers,
    logits: (values, x, training) => layer.apply(values, x, training) as tf.Tensor2D,
  };
}
