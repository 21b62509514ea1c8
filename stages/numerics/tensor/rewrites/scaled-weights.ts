/**
 * A factor for each channel behind a convolution, such as a batch norm's in evaluation, goes into the filter: conv(x, w) · s =
 * conv(x, w · s); and in the gradient, convᵀ(dy · s, w) = convᵀ(dy, w · s).
 */
import { constantNode, type GraphNode } from '../graph-node.ts';
import type { Rule, Surroundings } from './rule.ts';

export const scaledWeights: Rule = (node, graph) => {
  if (node.op === 'Mul') return scaledConvolution(node, graph);
  return node.op === 'Conv2DBackpropInput' ? scaledGradient(node, graph) : null;
};

/** What of a product is one factor for each of the last axis' channels, and what is not. */
function split(node: GraphNode, { source }: Surroundings) {
  const [a, b] = node.inputs.map(source);
  const pairs = [
    [a, b],
    [b, a],
  ] as const;
  for (const [factor, rest] of pairs) {
    const channels = node.shape.at(-1)!;
    const { values } = factor ?? {};
    const isPerChannel = factor?.shape.at(-1) === channels && values?.length === channels;
    if (isPerChannel && values instanceof Float32Array && rest !== undefined) {
      if (rest.shape.join() === node.shape.join()) return { scale: values, rest };
    }
  }
  return null;
}

function scaledFilter(filter: GraphNode | undefined, scale: Float32Array, name: string): GraphNode | null {
  const { values, shape } = filter ?? {};
  if (!(values instanceof Float32Array)) return null;
  const scaled = values.map((value, i) => value * scale[i % scale.length]!);
  return constantNode(`${name}/filter`, 'float32', shape!, scaled);
}

function scaledConvolution(node: GraphNode, graph: Surroundings): GraphNode[] | null {
  const { scale, rest } = split(node, graph) ?? {};
  if (rest?.op !== 'Conv2D' || graph.users(rest).length > 1) return null;
  const filter = scaledFilter(graph.source(rest.inputs[1]!), scale!, node.name);
  return filter && [filter, { ...rest, name: node.name, inputs: [rest.inputs[0]!, filter.name] }];
}

function scaledGradient(node: GraphNode, graph: Surroundings): GraphNode[] | null {
  const [size, weights, dy] = node.inputs as [string, string, string];
  const product = graph.source(dy);
  if (product?.op !== 'Mul' || graph.users(product).length > 1) return null;
  const { scale, rest } = split(product, graph) ?? {};
  const filter = rest && scaledFilter(graph.source(weights), scale!, node.name);
  return filter ? [filter, { ...node, inputs: [size, filter.name, rest.name] }] : null;
}
