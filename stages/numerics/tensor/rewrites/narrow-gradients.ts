/**
 * The gradient of a convolution with stride s by an image of few channels leaves most lanes of the processor idle. As a
 * convolution that computes all s × s pixels between two strides at once, it has s² times as many channels: the
 * filter's taps are regrouped by their phase, and the phases put side by side in the end.
 */
import { constantNode, type GraphAttribute, type GraphNode } from '../graph-node.ts';
import type { Rule } from './rule.ts';

/** Channels of all phases together up to which this is faster, as measured. */
const MOST_CHANNELS = 64;

const FLOAT: GraphAttribute = { type: 1 };
const INT32: GraphAttribute = { type: 3 };

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
  const taps = kernel / stride;
  const before = [height, width].map((side, axis) =>
    paddingBefore(node, axis, side, [h, w][axis]!, kernel, stride),
  );
  const sides = [h, w].map((side) => side + taps - 1);
  // Beyond what the phases reach the gradient is zero, which this form does not write.
  if (sides.some((side, axis) => stride * side < before[axis]! + [height, width][axis]!)) return null;
  const name = (what: string) => `${node.name}/${what}`;
  const integers = (what: string, values: readonly number[]) =>
    constantNode(name(what), 'int32', [values.length], Int32Array.from(values));
  const border = taps - 1;
  const wide = [batch, ...sides, stride * stride * channels];
  const apart = [batch, sides[0]!, sides[1]!, stride, stride * channels];
  const whole = [batch, stride * sides[0]!, stride * sides[1]!, channels];
  const regrouped = regroup(filter, stride);
  const steps: GraphNode[] = [
    constantNode(name('filter'), 'float32', regrouped.shape, regrouped.values),
    {
      name: name('convolution'),
      op: 'Conv2D',
      inputs: [dy.name, name('filter')],
      attributes: {
        T: FLOAT,
        strides: { ints: [1, 1, 1, 1] },
        padding: { text: 'EXPLICIT' },
        explicit_paddings: { ints: [0, 0, border, border, border, border, 0, 0] },
        data_format: { text: 'NHWC' },
      },
      shape: wide,
    },
    integers('apart', apart),
    reshape(name('rows'), name('convolution'), name('apart'), apart),
    integers('order', [0, 1, 3, 2, 4]),
    {
      name: name('transposed'),
      op: 'Transpose',
      inputs: [name('rows'), name('order')],
      attributes: { T: FLOAT, Tperm: INT32 },
      shape: [batch, sides[0]!, stride, sides[1]!, stride * channels],
    },
    integers('whole', whole),
    reshape(name('image'), name('transposed'), name('whole'), whole),
    integers('begin', [0, ...before, 0]),
    integers('size', node.shape),
    {
      name: node.name,
      op: 'Slice',
      inputs: [name('image'), name('begin'), name('size')],
      attributes: { T: FLOAT, Index: INT32 },
      shape: node.shape,
    },
  ];
  return steps;
}

const reshape = (name: string, from: string, to: string, shape: readonly number[]): GraphNode => ({
  name,
  op: 'Reshape',
  inputs: [from, to],
  attributes: { T: FLOAT, Tshape: INT32 },
  shape,
});

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
