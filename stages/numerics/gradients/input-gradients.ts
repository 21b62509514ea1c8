/**
 * Input gradients of many targets from one forward pass: the recorded tape is walked back once per cotangent.
 * The backward operations are recorded in turn, so an outer gradient goes through all of them.
 */
import { tf } from '../tensor/tf.ts';

type TapeNode = NonNullable<ReturnType<typeof tf.engine>['state']['activeTape']>[number];

/** The part of the tape that leads from x to y, in order; each node's inputs are those that depend on x. */
function nodesBetween(tape: TapeNode[], x: tf.Tensor, y: tf.Tensor): TapeNode[] {
  const fromX = new Set([x.id]);
  const after = tape.filter((node) => {
    if (!Object.values(node.inputs).some(({ id }) => fromX.has(id))) return false;
    for (const { id } of node.outputs) fromX.add(id);
    return true;
  });
  const toY = new Set([y.id]);
  const between = after.reverse().filter((node) => {
    if (!node.outputs.some(({ id }) => toY.has(id))) return false;
    for (const { id } of Object.values(node.inputs)) toY.add(id);
    return true;
  });
  return between.reverse().map((node) => ({
    ...node,
    inputs: Object.fromEntries(Object.entries(node.inputs).filter(([, { id }]) => fromX.has(id))),
  }));
}

/** Runs one node backward and adds what it yields to the cotangents of its inputs. */
function stepBack(node: TapeNode, cotangents: Map<number, tf.Tensor>): void {
  const dys = node.outputs.map(({ id }) => cotangents.get(id) as tf.Tensor);
  if (!node.gradient)
    throw new Error(`The kernel ${node.kernelName} has no gradient; see gradients/allowed.ts.`);
  const gradients = node.gradient(dys);
  for (const [name, input] of Object.entries(node.inputs)) {
    const gradient = gradients[name];
    if (!gradient) throw new Error(`The kernel ${node.kernelName} has no gradient for its input "${name}".`);
    const yielded = tf.tidy(gradient);
    const known = cotangents.get(input.id);
    cotangents.set(input.id, known ? tf.add(known, yielded) : yielded);
  }
}

/** One backward walk. Cotangents are disposed with the tidy; what the outer gradient needs is kept by the tape. */
function walkBack(nodes: TapeNode[], y: tf.Tensor, cotangent: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const cotangents = new Map([[y.id, cotangent]]);
    for (let i = nodes.length - 1; i >= 0; i--) stepBack(nodes[i]!, cotangents);
    return cotangents.get(x.id)!;
  });
}

/**
 * Gradients by x of <logits, cotangent>, one for each cotangent, differentiable in turn. Call it inside the function given
 * to `tf.grads` or `tf.variableGrads`, after the one forward pass that made the logits from x.
 * @param logits [batch, classes], computed from x under the active tape
 * @param x input of the network, any shape
 * @param cotangents each [batch, classes]; a one-hot row picks the logit of one target class
 * @returns one tensor of x's shape per cotangent
 */
export function inputGradients(logits: tf.Tensor2D, x: tf.Tensor, cotangents: tf.Tensor2D[]): tf.Tensor[] {
  if (!tf.engine().isTapeOn()) {
    throw new Error('inputGradients was called outside of tf.grads or tf.variableGrads: no tape is active.');
  }
  const nodes = nodesBetween(tf.engine().state.activeTape, x, logits);
  if (nodes.length === 0)
    throw new Error('inputGradients: the logits do not depend on x under the active tape.');
  return cotangents.map((cotangent) => walkBack(nodes, logits, cotangent, x));
}
