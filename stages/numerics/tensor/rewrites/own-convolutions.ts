/**
 * Convolutions with 3 × 3 taps by the kernel of our own, where it is loaded (`numerics/kernels/winograd.cc`): it takes a
 * quarter of the multiplications, and what follows a convolution goes into it: a bias, a sum with another branch, ReLU.
 */
import type { GraphNode } from '../graph-node.ts';
import { hasOwnKernels } from '../own-kernels.ts';
import type { Rule, Surroundings } from './rule.ts';
import { Steps } from './steps.ts';

const OP = 'PagConvolution';
/** Channels of the image from which this is faster, as measured; of fewer, its vectors are mostly empty. */
const LEAST_INPUTS = 12;

export const ownConvolution: Rule = (node, { source }) => {
  if (!hasOwnKernels() || node.op !== 'Conv2D') return null;
  const filter = source(node.inputs[1]!);
  const { padding, strides, dilations } = node.attributes as {
    padding: { text: string };
    strides: { ints: number[] };
    dilations?: { ints: number[] };
  };
  const [height, width, inputs] = filter?.shape ?? [];
  const is3x3 = height === 3 && width === 3 && padding.text === 'SAME';
  const steps = [...strides.ints, ...(dilations?.ints ?? [])];
  if (!is3x3 || inputs! < LEAST_INPUTS || steps.some((step) => step !== 1)) return null;
  const nodes = new Steps(node, 'own');
  const none = nodes.constant(new Float32Array(), [0]);
  nodes.add(OP, [...node.inputs, none, none], node.shape, { relu: { bool: false } });
  return nodes.done();
};

/** The node with a convolution of ours in its first or second input, and the other input; null where it is used elsewhere too. */
function convolutionIn(node: GraphNode, { source, users }: Surroundings) {
  for (const [i, input] of node.inputs.entries()) {
    const convolution = source(input);
    if (convolution?.op !== OP || users(convolution).length > 1) continue;
    if ((convolution.attributes.relu as { bool: boolean }).bool) continue;
    return { convolution, other: node.inputs[1 - i] };
  }
  return null;
}

const isNone = (input: string | undefined, { source }: Surroundings) =>
  input !== undefined && source(input)?.values?.length === 0;

/** conv(x) + bias */
export const ownBias: Rule = (node, graph) => {
  if (node.op !== 'AddV2') return null;
  const { convolution, other } = convolutionIn(node, graph) ?? {};
  const bias = other === undefined ? undefined : graph.source(other);
  if (convolution === undefined || !(bias?.values instanceof Float32Array)) return null;
  const [x, filter, none, added] = convolution.inputs as [string, string, string, string];
  const isPerOutput = bias.values.length === node.shape.at(-1) && bias.shape.at(-1) === node.shape.at(-1);
  if (!isPerOutput || !isNone(none, graph) || !isNone(added, graph)) return null;
  return [{ ...convolution, name: node.name, inputs: [x, filter, other!, added] }];
};

/** conv(x) + another branch */
export const ownSum: Rule = (node, graph) => {
  if (node.op !== 'AddV2') return null;
  const { convolution, other } = convolutionIn(node, graph) ?? {};
  const branch = other === undefined ? undefined : graph.source(other);
  if (convolution === undefined || branch?.shape.join() !== node.shape.join()) return null;
  const [x, filter, bias, none] = convolution.inputs as [string, string, string, string];
  return isNone(none, graph)
    ? [{ ...convolution, name: node.name, inputs: [x, filter, bias, other!] }]
    : null;
};

/** ReLU of conv(x) */
export const ownRelu: Rule = (node, graph) => {
  if (node.op !== 'Relu') return null;
  const { convolution } = convolutionIn(node, graph) ?? {};
  return convolution
    ? [{ ...convolution, name: node.name, attributes: { ...convolution.attributes, relu: { bool: true } } }]
    : null;
};
