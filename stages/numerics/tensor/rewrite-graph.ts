/**
 * Puts a recorded graph into forms that the engine computes faster: the same function up to the order of sums. What
 * TensorFlow does by itself, such as joining a convolution with its bias and ReLU, is left to it; these rules make sure that
 * it can, and do what it does not.
 */
import type { GraphNode } from './graph-node.ts';
import { narrowGradients } from './rewrites/narrow-gradients.ts';
import { ownBias, ownConvolution, ownRelu, ownSum } from './rewrites/own-convolutions.ts';
import { reluOfOutput } from './rewrites/relu-of-output.ts';
import type { Rule, Surroundings } from './rewrites/rule.ts';
import { scaledWeights } from './rewrites/scaled-weights.ts';
import { turnedGradients } from './rewrites/turned-gradients.ts';

const RULES: readonly Rule[] = [
  scaledWeights,
  reluOfOutput,
  narrowGradients,
  turnedGradients,
  ownConvolution,
  ownBias,
  ownSum,
  ownRelu,
];

/** The node that an input comes from: `name:1` without its end. */
export const nodeName = (input: string): string => input.split(':')[0]!;

/**
 * @param nodes in an order in which they can run
 * @param output name of the node that is asked for; what it does not need is left out, but for placeholders
 */
export function rewriteGraph(nodes: readonly GraphNode[], output: string): GraphNode[] {
  return RULES.reduce((current, rule) => needed(apply(rule, current), output), needed(nodes, output));
}

function apply(rule: Rule, nodes: readonly GraphNode[]): GraphNode[] {
  const graph = surroundingsOf(nodes);
  return nodes.flatMap((node) => rule(node, graph) ?? [node]);
}

function surroundingsOf(nodes: readonly GraphNode[]): Surroundings {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const users = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      const others = users.get(input);
      if (others === undefined) users.set(input, [node]);
      else others.push(node);
    }
  }
  return { source: (input) => byName.get(input), users: ({ name }) => users.get(name) ?? [] };
}

/** Without what does not lead to the output. */
function needed(nodes: readonly GraphNode[], output: string): GraphNode[] {
  const wanted = new Set([output]);
  const kept = nodes.toReversed().filter(({ name, op, inputs }) => {
    if (!wanted.has(name) && op !== 'Placeholder') return false;
    for (const input of inputs) wanted.add(nodeName(input));
    return true;
  });
  return kept.reverse();
}
