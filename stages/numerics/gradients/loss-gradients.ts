/** Value and gradients of a training loss, with the memory of a step given back while it is walked. */
import { tf } from '../tensor/tf.ts';
import { nodesBetween, walkBack } from './tape.ts';

/** A loss and its gradients, in the order of the tensors asked for. */
export interface LossGradients {
  value: tf.Scalar;
  gradients: tf.Tensor[];
}

/** The backward pass: off the tape, disposing each node's saved tensors as soon as it has been walked. */
function release(value: tf.Scalar, xs: readonly tf.Tensor[]): tf.Tensor[] {
  const { state } = tf.engine();
  const nodes = nodesBetween(state.activeTape, xs, value);
  // As within a kernel: nothing is recorded.
  state.kernelDepth++;
  try {
    const found = walkBack(nodes, xs, value, tf.scalar(1), (node) => {
      for (const tensor of node.saved ?? []) tensor.dispose();
    });
    return found.map((gradient, i) => gradient ?? tf.zerosLike(xs[i]!));
  } finally {
    state.kernelDepth--;
  }
}

/**
 * What `tf.valueAndGrads` does, with less than half of its peak memory where the loss contains gradients.
 * @param loss computes the scalar loss from xs, which it reaches by closure
 * @param xs tensors or variables to differentiate by
 * @returns the value, and one gradient per x; zeros where the loss does not depend on it
 */
export function lossGradients(loss: () => tf.Scalar, xs: readonly tf.Tensor[]): LossGradients {
  if (tf.engine().state.gradientDepth > 0) {
    throw new Error(
      'lossGradients was called inside a function that is differentiated: it gives its tape away.',
    );
  }
  let kept: tf.Tensor[] = [];
  const recorded = () => {
    const value = loss();
    kept = [value, ...release(value, xs)].map((tensor) => tf.keep(tensor));
    // The engine closes the tape; the walk that it would make itself finds nothing to do from a constant.
    return tf.scalar(0);
  };
  tf.engine()
    .gradients(recorded, [...xs], undefined, true)
    .value.dispose();
  // Copies of the same values, which belong to the caller's tidy.
  const [value, ...gradients] = kept.map((tensor) => tf.clone(tensor));
  tf.dispose(kept);
  return { value: value as tf.Scalar, gradients };
}
