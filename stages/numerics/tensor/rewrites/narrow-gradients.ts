/**
 * The gradient of a convolution with stride s by an image of few channels leaves most lanes of the processor idle. As a
 * convolution that computes all s × s pixels between two strides at once, it has s² times as many channels: the
 * filter's taps are regrouped by their phase, and the phases put side by side in the end.
 */
import type { GraphNode } from '../graph-node.ts';
import type { Rule } from './rule.ts';
import { convolutionAttributes, Steps } from './steps.ts';

/** Channels of all phases together up to which this is faster, as measured. */
const MOST_CHANNELS = 64;

export const narrowGradients: Rule = (node, { source }) => {
  if (node.op !== 'Conv2DBackpropInput') return null;
  const filter = source(node.inputs[1]!);
  const dy = source(node.inputs[2]!);
  const [, stride, across] = (node.attributes.strides as { ints: number[] }).ints as number[];
  if (filter === undefined || !(filter.values instanceof Float32Array) || dy === undefined) return null;
  const [kernel, kernelAcross, channels] = filter.shape as [number, number, number];
  const isSquare = stride === across && kernel === kernelAcross;
  if (!isSquare || stride === 1 || kernel % stride! > 0 || channels * stride! ** 2 > MOST_CHANNELS)
    return null;
  return phases(node, dy, filter, stride!);
};

function phases(node: GraphNode, dy: GraphNode, filter: GraphNode, stride: number): GraphNode[] | null {
  const [batch, height, width, channels] = node.shape as [number, number, number, number];
  const [, h, w] = dy.shape as [number, number, number];
  const [kernel] = filter.shape as [number];
  const border = kernel / stride - 1;
  const before = [height, width].map((side, axis) =>
    paddingBefore(node, axis, side, [h, w][axis]!, kernel, stride),
  );
  const [rows, columns] = [h + border, w + border];
  const reach = [stride * rows, stride * columns];
  // Beyond what the phases reach the gradient is zero, which this form does not write.
  if (reach.some((side, axis) => side < before[axis]! + [height, width][axis]!)) return null;
  const steps = new Steps(node, 'narrow');
  const regrouped = regroup(filter, stride);
  const explicit = {
    padding: { text: 'EXPLICIT' },
    explicit_paddings: { ints: [0, 0, border, border, border, border, 0, 0] },
  };
  const all = steps.add(
    'Conv2D',
    [dy.name, steps.constant(regrouped.values, regrouped.shape)],
    [batch, rows, columns, stride * stride * channels],
    convolutionAttributes(explicit),
  );
  const apart = steps.reshape(all, [batch, rows, columns, stride, stride * channels]);
  const turned = steps.transpose(apart, [0, 1, 3, 2, 4], [batch, rows, stride, columns, stride * channels]);
  const whole = steps.reshape(turned, [batch, ...reach, channels]);
  steps.slice(whole, [0, ...before, 0], node.shape);
  return steps.done();
}

/** Zeros that the convolution has in front of an axis. */
function paddingBefore(
  { attributes }: GraphNode,
  axis: number,
  side: number,
  outputs: number,
  kernel: number,
  stride: number,
): number {
  const { text } = attributes.padding as { text: string };
  if (text === 'VALID') return 0;
  if (text === 'EXPLICIT') return (attributes.explicit_paddings as { ints: number[] }).ints[2 + 2 * axis]!;
  return Math.max(0, (outputs - 1) * stride + kernel - side) >> 1;
}

/** [k, k, inputs, outputs] -> [k / s, k / s, outputs, s · s · inputs], with the taps in reverse order. */
function regroup({ shape, values }: GraphNode, stride: number) {
  const [kernel, , inputs, outputs] = shape as [number, number, number, number];
  const taps = kernel / stride;
  const result = new Float32Array(kernel * kernel * inputs * outputs);
  let to = 0;
  for (let row = taps - 1; row >= 0; row--) {
    for (let column = taps - 1; column >= 0; column--) {
      for (let output = 0; output < outputs; output++) {
        for (let a = 0; a < stride; a++) {
          for (let b = 0; b < stride; b++) {
            const tap = (row * stride + a) * kernel + column * stride + b;
            for (let input = 0; input < inputs; input++) {
              result[to++] = (values as Float32Array)[(tap * inputs + input) * outputs + output]!;
            }
          }
        }
      }
    }
  }
  return { shape: [taps, taps, outputs, stride * stride * inputs], values: result };
}
