/**
 * Input gradients of many targets from one forward pass: the recorded tape is walked back once, with the cotangents
 * of all targets side by side in the batch. The backward operations are recorded in turn, so an outer gradient goes
 * through all of them.
 */
import { tf } from '../tensor/tf.ts';
import { canFold, foldedGradients } from './folded-walk.ts';
import { idsOf, nodesBetween, type TapeNode, walkBack } from './tape.ts';

/**
 * Gradients by x of <logits, cotangent>, one for each cotangent, differentiable in turn. Call it inside the
 * function given to `lossGradients` or `tf.grads`, after the one forward pass that made the logits from x.
 * @param logits [batch, classes], computed from x under the active tape
 * @param x input of the network, any shape
 * @param cotangents each [batch, classes]; a one-hot row picks the logit of one target class
 * @returns one tensor of x's shape per cotangent
 */
export function inputGradients(logits: tf.Tensor2D, x: tf.Tensor, cotangents: tf.Tensor2D[]): tf.Tensor[] {
  if (!tf.engine().isTapeOn()) {
    throw new Error(
      'inputGradients was called outside of a function that is differentiated: no tape is active.',
    );
  }
  const nodes = nodesBetween(tf.engine().state.activeTape, idsOf([x]), idsOf([logits]));
  if (nodes.length === 0) {
    throw new Error('inputGradients: the logits do not depend on x under the active tape.');
  }
  const copies = cotangents.length;
  if (copies === 1 || !canFold(nodes))
    return cotangents.map((cotangent) => walk(nodes, logits, x, cotangent, 1));
  return tf.split(walk(nodes, logits, x, tf.concat(cotangents), copies), copies);
}

/** @param cotangent [copies × batch, classes] */
function walk(
  nodes: readonly TapeNode[],
  logits: tf.Tensor2D,
  x: tf.Tensor,
  cotangent: tf.Tensor2D,
  copies: number,
): tf.Tensor {
  return tf.tidy(() => {
    const known = new Map<number, tf.Tensor>([[logits.id, cotangent]]);
    const gradientsOf = (node: TapeNode, dys: tf.Tensor[]) => foldedGradients(node, dys, copies);
    walkBack(nodes, known, idsOf([x, logits]), undefined, copies === 1 ? undefined : gradientsOf);
    return known.get(x.id)!;
  });
}
