/**
 * The gradient of ReLU asks where its input is positive; its output is positive at the same places. With the output, nobody
 * needs the input any more, and TensorFlow joins the ReLU with the kernel in front of it.
 */
import type { Rule } from './rule.ts';

export const reluOfOutput: Rule = (node, { source, users }) => {
  if (node.op !== 'ReluGrad') return null;
  const [dy, x] = node.inputs as [string, string];
  const input = source(x);
  const relu = input && users(input).find(({ op }) => op === 'Relu');
  return relu ? [{ ...node, inputs: [dy, relu.name] }] : null;
};
