/**
 * One backward step for several targets at once. Every kernel can be walked: where nothing better is known, each
 * copy is walked by itself. The rules here and the gradients that know of copies do the work of the common kernels
 * once for all.
 */
import { tf } from '../tensor/tf.ts';
import { copiesIn } from './copies.ts';
import type { TapeNode } from './tape.ts';

/** Gradients of a node's inputs, as the tape has them. */
export type NodeGradients = Record<string, () => tf.Tensor>;

/** Kernels whose registered gradient knows of copies. */
const KNOWING: ReadonlySet<string> = new Set([
  'Abs',
  'Add',
  'AddN',
  'BatchMatMul',
  'BatchNormTrain',
  'ClipByValue',
  'Conv2D',
  'Gelu',
  'GeluTanh',
  'Identity',
  'LayerNorm',
  'LeakyRelu',
  'LogSoftmaxLastAxis',
  'Mean',
  'Multiply',
  'PadV2',
  'Relu',
  'Relu6',
  'Silu',
  'Softmax',
  'Sub',
  'Sum',
]);

/** A node, and cotangents of its outputs. */
interface Step {
  node: TapeNode;
  dys: tf.Tensor[];
  copies: number;
}

/** Tells a node's gradients for folded cotangents, or undefined where each copy must be walked by itself. */
type Rule = (step: Step) => NodeGradients | undefined;

const asItIs: Rule = ({ node, dys }) => node.gradient!(dys) as unknown as NodeGradients;

const rules: Record<string, Rule> = {
  Reshape: ({ node, dys: [dy], copies }) => {
    const [first, ...rest] = node.inputs.x!.shape as [number, ...number[]];
    return { x: () => tf.reshape(dy!, [copies * first, ...rest]) };
  },
  /** The parts of an image's axis, joined again; a part that does not lead to the end has no cotangent. */
  SplitV: ({ node, dys, copies }) => {
    const { shape } = node.inputs.x!;
    const axis = shape.findIndex((size, i) => size !== node.outputs[0]!.shape[i]);
    if (axis <= 0) return undefined;
    const parts = node.outputs.map(
      ({ shape: [first, ...rest] }, i) =>
        (dys[i] as tf.Tensor | undefined) ?? tf.zeros([copies * first!, ...rest]),
    );
    return { x: () => tf.concat(parts, axis) };
  },
  /** The axes of one image may change places, the first may not. */
  Transpose: (step) => {
    const gradients = asItIs(step)!;
    const { x } = step.node.inputs;
    const moved = gradients.x!();
    const isWhole = moved.shape[0] === step.copies * x!.shape[0]!;
    return isWhole ? { x: () => moved } : undefined;
  },
};

/** Each copy by itself, side by side again at the end. */
function walkEach({ node, dys, copies }: Step): NodeGradients {
  // An output that does not lead to the end has no cotangent.
  const parts = dys.map((dy: tf.Tensor | undefined) => dy && tf.split(dy, copies));
  const each = Array.from(
    { length: copies },
    (_, k) => node.gradient!(parts.map((part) => part?.[k]) as tf.Tensor[]) as unknown as NodeGradients,
  );
  return Object.fromEntries(
    Object.keys(node.inputs).map((name) => [
      name,
      () => tf.concat(each.map((gradients) => gradients[name]!())),
    ]),
  );
}

/** Gradients of a node's inputs, each of `copies` copies, from cotangents of as many. */
export function foldedGradients(node: TapeNode, dys: tf.Tensor[], copies: number): NodeGradients {
  const step = { node, dys, copies };
  const rule = KNOWING.has(node.kernelName) ? asItIs : rules[node.kernelName];
  const gradients = rule?.(step) ?? walkEach(step);
  return Object.fromEntries(
    Object.entries(node.inputs).map(([name, { shape }]) => [
      name,
      () => {
        const found = gradients[name]!();
        if (copiesIn(found, shape) === copies) return found;
        throw new Error(
          `The gradient of ${node.kernelName} does not keep the copies of its cotangent apart.`,
        );
      },
    ]),
  );
}

/** Whether the copies have an axis to lie along everywhere. */
export function canFold(nodes: readonly TapeNode[]): boolean {
  return nodes.every(({ inputs, outputs }) =>
    [...Object.values(inputs), ...outputs].every(({ rank }) => rank > 0),
  );
}
