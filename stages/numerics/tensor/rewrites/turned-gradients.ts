/**
 * The gradient of a convolution with stride 1 by its image is a convolution with the filter turned by half a turn, inputs and
 * outputs exchanged. The engine does that a little faster, and other rules may do it faster still.
 */
import type { GraphNode } from '../graph-node.ts';
import type { Rule } from './rule.ts';
import { convolutionAttributes, Steps } from './steps.ts';

export const turnedGradients: Rule = (node, { source }) => {
  if (node.op !== 'Conv2DBackpropInput') return null;
  const filter = source(node.inputs[1]!);
  const { padding, strides } = node.attributes as { padding: { text: string }; strides: { ints: number[] } };
  if (!(filter?.values instanceof Float32Array) || padding.text !== 'SAME') return null;
  // Of an even kernel the borders are not alike.
  if (strides.ints.some((stride) => stride !== 1) || filter.shape.slice(0, 2).some((side) => side % 2 === 0))
    return null;
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const steps = new Steps(node, 'turned');
  const turned = steps.constant(turn(filter), [height, width, outputs, inputs]);
  steps.add('Conv2D', [node.inputs[2]!, turned], node.shape, convolutionAttributes({ padding }));
  return steps.done();
};

function turn({ values, shape }: GraphNode): Float32Array {
  const [height, width, inputs, outputs] = shape as [number, number, number, number];
  const result = new Float32Array(values!.length);
  for (let tap = 0; tap < height * width; tap++) {
    const from = (height * width - 1 - tap) * inputs * outputs;
    for (let output = 0; output < outputs; output++) {
      for (let input = 0; input < inputs; input++) {
        result[(tap * outputs + output) * inputs + input] = values![
          from + input * outputs + output
        ] as number;
      }
    }
  }
  return result;
}
