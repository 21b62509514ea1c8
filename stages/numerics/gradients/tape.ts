/**
 * Walking the engine's tape backward. tfjs's own walk keeps every cotangent and every saved tensor to its end;
 * this one lets go of them on the way, which more than halves the peak memory of a second-order step.
 */
import { tf } from '../tensor/tf.ts';

/** One recorded operation. */
export type TapeNode = ReturnType<typeof tf.engine>['state']['activeTape'][number];

/** Tensors by their ids. */
export type TensorIds = ReadonlySet<number>;

export function idsOf(tensors: readonly tf.Tensor[]): Set<number> {
  return new Set(tensors.map(({ id }) => id));
}

/** xs and all outputs of the tape that depend on any of them. */
export function dependents(tape: readonly TapeNode[], xs: TensorIds): Set<number> {
  const found = new Set(xs);
  for (const node of tape) {
    if (!Object.values(node.inputs).some(({ id }) => found.has(id))) continue;
    for (const { id } of node.outputs) found.add(id);
  }
  return found;
}

/** The part of the tape that leads from any of xs to any of ys, in order; each node's inputs are those that depend on xs. */
export function nodesBetween(tape: readonly TapeNode[], xs: TensorIds, ys: TensorIds): TapeNode[] {
  const fromXs = dependents(tape, xs);
  const after = tape.filter((node) => Object.values(node.inputs).some(({ id }) => fromXs.has(id)));
  const toY = new Set(ys);
  const between = after.reverse().filter((node) => {
    if (!node.outputs.some(({ id }) => toY.has(id))) return false;
    for (const { id } of Object.values(node.inputs)) toY.add(id);
    return true;
  });
  return between.reverse().map((node) => ({
    ...node,
    inputs: Object.fromEntries(Object.entries(node.inputs).filter(([, { id }]) => fromXs.has(id))),
  }));
}

/** Gradients of a node's inputs from the cotangents of its outputs. */
export type GradientsOf = (node: TapeNode, dys: tf.Tensor[]) => Record<string, () => tf.Tensor>;

const itsOwn: GradientsOf = (node, dys) => node.gradient!(dys) as unknown as ReturnType<GradientsOf>;

/**
 * The cotangents of a node's inputs, by tensor id, with what they had before added.
 * Each is a tensor of its own, so that it can be disposed without harm to another.
 */
function stepBack(
  node: TapeNode,
  dys: (tf.Tensor | undefined)[],
  known: ReadonlyMap<number, tf.Tensor>,
  gradientsOf: GradientsOf,
): Map<number, tf.Tensor> {
  const sums = new Map<number, tf.Tensor>();
  tf.tidy(() => {
    if (!node.gradient) {
      throw new Error(`The kernel ${node.kernelName} has no gradient; see gradients/allowed.ts.`);
    }
    const gradients = gradientsOf(node, dys as tf.Tensor[]);
    for (const [name, { id }] of Object.entries(node.inputs)) {
      const gradient = gradients[name];
      if (!gradient)
        throw new Error(`The kernel ${node.kernelName} has no gradient for its input "${name}".`);
      const yielded = gradient();
      const before = sums.get(id) ?? known.get(id);
      const sum = before ? tf.add(before, yielded) : yielded;
      const taken = dys.includes(sum) || [...sums.values()].includes(sum);
      sums.set(id, taken ? tf.clone(sum) : sum);
    }
    return [...sums.values()];
  });
  return sums;
}

/**
 * Carries cotangents back along the tape.
 * @param nodes from {@link nodesBetween}
 * @param cotangents by tensor id, at first those of the end; on return those of `held`. Others are disposed when
 *   they have served.
 * @param held tensors whose cotangents are asked for, or belong to somebody else
 * @param afterNode called when a node has been walked and nothing below needs it any more
 * @param gradientsOf how a node is walked; by its own gradient if left out
 */
export function walkBack(
  nodes: readonly TapeNode[],
  cotangents: Map<number, tf.Tensor>,
  held: TensorIds,
  afterNode: (node: TapeNode) => void = () => {},
  gradientsOf: GradientsOf = itsOwn,
): void {
  for (const node of nodes.toReversed()) {
    const dys = node.outputs.map(({ id }) => cotangents.get(id));
    for (const [id, sum] of stepBack(node, dys, cotangents, gradientsOf)) {
      cotangents.get(id)?.dispose();
      cotangents.set(id, sum);
    }
    for (const { id } of node.outputs) {
      if (held.has(id)) continue;
      cotangents.get(id)?.dispose();
      cotangents.delete(id);
    }
    afterNode(node);
  }
}
