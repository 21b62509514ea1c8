/** Values and gradients of a training loss, with the memory of a step given back while it is walked. */
import { tf } from '../tensor/tf.ts';
import { dependents, idsOf, nodesBetween, type TapeNode, type TensorIds, walkBack } from './tape.ts';

/** Terms of a loss and the gradients of their sum, in the order of the tensors asked for. */
export interface LossGradients {
  values: tf.Scalar[];
  gradients: tf.Tensor[];
}

/** Runs f as if within a kernel: nothing is recorded, so what it computes counts as constant. */
export function offTheTape<Result>(f: () => Result): Result {
  const { state } = tf.engine();
  state.kernelDepth++;
  try {
    return f();
  } finally {
    state.kernelDepth--;
  }
}

/** Carries cotangents back off the tape, disposing each node's saved tensors as soon as it has been walked. */
function release(nodes: readonly TapeNode[], cotangents: Map<number, tf.Tensor>, held: TensorIds): void {
  offTheTape(() =>
    walkBack(nodes, cotangents, held, (node) => {
      for (const tensor of node.saved ?? []) tensor.dispose();
    }),
  );
}

/**
 * Runs one term and walks its part of the tape back to the tensors of the forward pass, then forgets that part.
 * @param boundary tensors of the forward pass, and xs
 * @param cotangents of the boundary; those of this term are added
 */
function addTerm(term: () => tf.Scalar, boundary: TensorIds, cotangents: Map<number, tf.Tensor>): tf.Scalar {
  const { state } = tf.engine();
  const start = state.activeTape.length;
  return tf.tidy(() => {
    const value = term();
    const added = state.activeTape.slice(start);
    const nodes = nodesBetween(added, boundary, idsOf([value]));
    // A term may be a tensor of the forward pass itself, which has a cotangent already if it is one twice.
    const before = cotangents.get(value.id);
    cotangents.set(value.id, before === undefined ? tf.scalar(1) : tf.add(before, 1));
    before?.dispose();
    release(nodes, cotangents, boundary);
    if (!boundary.has(value.id)) cotangents.delete(value.id);
    for (const cotangent of cotangents.values()) tf.keep(cotangent);
    const walked = new Set(nodes.map(({ id }) => id));
    for (const node of added) if (!walked.has(node.id)) tf.dispose(node.saved ?? []);
    state.activeTape.length = start;
    return value;
  });
}

/**
 * Gradients of a sum of terms that share a forward pass. Each term is recorded, walked back as far as the forward
 * pass and forgotten before the next begins; then the forward pass is walked once for all. The sum costs what one
 * walk through everything would, and the peak of memory is the forward pass and the largest term.
 * @param forward runs the network; what it returns is handed to every term
 * @param terms each computes a scalar from it, which may contain gradients
 * @param xs tensors or variables to differentiate by
 * @returns each term's value, and one gradient of their sum per x; zeros where it does not depend on x
 */
export function sharedLossGradients<Shared>(
  forward: () => Shared,
  terms: readonly ((shared: Shared) => tf.Scalar)[],
  xs: readonly tf.Tensor[],
): LossGradients {
  if (tf.engine().state.gradientDepth > 0) {
    throw new Error(
      'lossGradients was called inside a function that is differentiated: it gives its tape away.',
    );
  }
  let kept: tf.Tensor[] = [];
  const wanted = idsOf(xs);
  const recorded = () => {
    const shared = forward();
    const { activeTape } = tf.engine().state;
    const boundary = dependents(activeTape, wanted);
    const cotangents = new Map<number, tf.Tensor>();
    const values = terms.map((term) => addTerm(() => term(shared), boundary, cotangents));
    const ends = new Set(cotangents.keys());
    release(nodesBetween(activeTape, wanted, ends), cotangents, wanted);
    const gradients = xs.map((x) => cotangents.get(x.id) ?? tf.zerosLike(x));
    kept = [...values, ...gradients].map((tensor) => tf.keep(tensor));
    // The engine closes the tape; the walk that it would make itself finds nothing to do from a constant.
    return tf.scalar(0);
  };
  tf.engine()
    .gradients(recorded, [...xs], undefined, true)
    .value.dispose();
  // Copies of the same values, which belong to the caller's tidy.
  const copies = kept.map((tensor) => tf.clone(tensor));
  tf.dispose(kept);
  return { values: copies.slice(0, terms.length) as tf.Scalar[], gradients: copies.slice(terms.length) };
}

/**
 * What `tf.valueAndGrads` does, with less than half of its peak memory where the loss contains gradients.
 * @param loss computes the scalar loss from xs, which it reaches by closure
 * @param xs tensors or variables to differentiate by
 * @returns the value, and one gradient per x; zeros where the loss does not depend on it
 */
export function lossGradients(
  loss: () => tf.Scalar,
  xs: readonly tf.Tensor[],
): { value: tf.Scalar; gradients: tf.Tensor[] } {
  const { values, gradients } = sharedLossGradients(() => undefined, [() => loss()], xs);
  return { value: values[0]!, gradients };
}
