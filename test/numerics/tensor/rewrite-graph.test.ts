/** Graphs put into faster forms: the same function, on convolutions of all kinds, with what each rule looks for gone. */
import { beforeAll, describe, expect, it } from 'vitest';
import { batchNormEval } from '../../../stages/numerics/gradients/batch-norm.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { recordGraph } from '../../../stages/numerics/tensor/graph.ts';
import { constantNode, type GraphNode } from '../../../stages/numerics/tensor/graph-node.ts';
import { rewriteGraph } from '../../../stages/numerics/tensor/rewrite-graph.ts';
import { tf } from '../../support/engine.ts';
import { direction, relativeError } from '../../support/hessian-vector.ts';

/** Relative: float32 rounding. */
const TOLERANCE = 5e-6;

beforeAll(registerGradients);

const slopeOf = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) =>
  tf.grad((at) => tf.sum(tf.sin(f(at))))(x);

function expectSame(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): void {
  const graph = recordGraph(f, [x]);
  const [found, expected] = [graph.run(x), f(x)];
  graph.dispose();
  expect(found.shape).toEqual(expected.shape);
  expect(relativeError([found], [expected])).toBeLessThan(TOLERANCE);
}

const padded = (x: tf.Tensor, border: number) => {
  const sides: [number, number] = [border, border];
  return tf.pad(x, [[0, 0], sides, sides, [0, 0]]) as tf.Tensor4D;
};

describe('a rewritten graph', () => {
  it.each([
    // side, across, inputs, outputs, kernel, stride, border
    [8, 8, 1, 5, 4, 2, 1],
    [7, 9, 3, 4, 4, 2, 1],
    [7, 6, 2, 4, 4, 2, 0],
    [9, 9, 2, 3, 2, 2, 0],
    [8, 11, 2, 3, 3, 3, 1],
    [10, 10, 1, 3, 6, 2, 2],
    [8, 8, 3, 4, 3, 2, 1],
    [8, 8, 3, 4, 1, 2, 0],
    [8, 8, 40, 4, 4, 2, 1],
    [6, 7, 2, 4, 3, 1, 1],
  ])(
    'has the gradients of a convolution, %i×%i×%i to %i channels, kernel %i, stride %i, border %i',
    (...the) => {
      const [side, across, inputs, outputs, kernel, stride, border] = the;
      const x = direction([2, side, across, inputs], 'x');
      const filter = direction([kernel, kernel, inputs, outputs], 'filter') as tf.Tensor4D;
      expectSame(
        slopeOf((image) => tf.conv2d(padded(image, border), filter, stride, 'valid')),
        x,
      );
    },
  );

  it.each([
    ['same', 8],
    ['same', 9],
    [
      [
        [0, 0],
        [1, 1],
        [1, 2],
        [0, 0],
      ],
      8,
    ],
  ] as const)('has the gradients of a strided convolution padded %j on side %i', (pad, side) => {
    const filter = direction([4, 4, 1, 3], 'filter') as tf.Tensor4D;
    const padding = pad as 'same' | tf.backend_util.ExplicitPadding;
    expectSame(
      slopeOf((image) => tf.conv2d(image as tf.Tensor4D, filter, 2, padding)),
      direction([2, side, side, 1], 'x'),
    );
  });

  it('has the values and gradients of batch norms and ReLUs behind convolutions with a branch', () => {
    const x = direction([2, 6, 6, 2], 'x');
    const filter = direction([3, 3, 2, 2], 'filter') as tf.Tensor4D;
    const of = (name: string) => direction([2], name) as tf.Tensor1D;
    const normed = (image: tf.Tensor) => {
      const h = tf.conv2d(image as tf.Tensor4D, filter, 1, 'same');
      return batchNormEval(h, of('mean'), tf.square(of('variance')), of('gamma'), of('beta'), 1e-5);
    };
    const f = (image: tf.Tensor) => {
      const h = tf.relu(normed(image));
      return tf.relu(tf.add(normed(h), tf.mul(h, of('other'))));
    };
    expectSame(f, x);
    expectSame(slopeOf(f), x);
  });

  it.each([
    [8, 12, 128, 130],
    [7, 5, 13, 20],
  ])('has the values and gradients of a convolution by our kernel, %i×%i×%i to %i channels', (...the) => {
    const [side, across, inputs, outputs] = the;
    const x = direction([2, side, across, inputs], 'x');
    const filter = tf.mul(direction([3, 3, inputs, outputs], 'filter'), 0.05) as tf.Tensor4D;
    const bias = direction([outputs], 'bias');
    const f = (image: tf.Tensor) => {
      const h = tf.relu(tf.add(tf.conv2d(image as tf.Tensor4D, filter, 1, 'same'), bias));
      return tf.relu(tf.add(tf.conv2d(image as tf.Tensor4D, filter, 1, 'same'), tf.mul(h, 0.5)));
    };
    expectSame(f, x);
    expectSame(slopeOf(f), x);
  });

  it('gives an image the same to the last bit in batches of 3, 16 and 64', () => {
    const x = direction([64, 4, 4, 128], 'x');
    const filter = direction([3, 3, 128, 128], 'filter') as tf.Tensor4D;
    const f = (image: tf.Tensor) => tf.conv2d(image as tf.Tensor4D, filter, 1, 'same');
    const [small, ...larger] = [3, 16, 64].map((rows) => {
      const part = tf.slice(x, 0, rows);
      const graph = recordGraph(f, [part]);
      const values = tf.slice(graph.run(part), 0, 3).dataSync();
      graph.dispose();
      return values;
    });
    for (const values of larger) expect(values).toEqual(small);
  });

  it('takes a result that needs no input', () => {
    const x = direction([2], 'x');
    expectSame(() => tf.add(tf.ones([2]), tf.ones([2])), x);
  });
});

const T = { type: 1 };
const input: GraphNode = { name: 'x', op: 'Placeholder', inputs: [], attributes: {}, shape: [2, 8, 8, 2] };
const filterNode = constantNode('filter', 'float32', [4, 4, 2, 2], new Float32Array(64).fill(1));
const scaleNode = constantNode('scale', 'float32', [2], Float32Array.of(2, 3));

const node = (name: string, op: string, inputs: string[], shape = [2, 8, 8, 2]): GraphNode => ({
  name,
  op,
  inputs,
  attributes: { T, strides: { ints: [1, 2, 2, 1] }, padding: { text: 'SAME' } },
  shape,
});

const kinds = (nodes: readonly GraphNode[]) => nodes.map(({ op }) => op);

describe('rewriteGraph', () => {
  it('leaves out what nobody needs', () => {
    const nodes = [input, scaleNode, node('other', 'Exp', ['x']), node('end', 'Relu', ['x'])];
    expect(kinds(rewriteGraph(nodes, 'end'))).toEqual(['Placeholder', 'Relu']);
  });

  it('moves factors into filters', () => {
    const nodes = [
      input,
      filterNode,
      scaleNode,
      node('product', 'Conv2D', ['x', 'filter'], [2, 4, 4, 2]),
      node('end', 'Mul', ['product', 'scale'], [2, 4, 4, 2]),
    ];
    const rewritten = rewriteGraph(nodes, 'end');
    expect(kinds(rewritten)).toEqual(['Placeholder', 'Const', 'Conv2D']);
    expect([...rewritten[1]!.values!.slice(0, 4)]).toEqual([2, 3, 2, 3]);
  });

  it('leaves a factor where somebody else needs what it multiplies', () => {
    const nodes = [
      input,
      filterNode,
      scaleNode,
      node('product', 'Conv2D', ['x', 'filter'], [2, 4, 4, 2]),
      node('scaled', 'Mul', ['scale', 'product'], [2, 4, 4, 2]),
      node('end', 'AddV2', ['product', 'scaled'], [2, 4, 4, 2]),
    ];
    expect(rewriteGraph(nodes, 'end')).toEqual([input, filterNode, scaleNode, ...nodes.slice(3)]);
  });

  it("asks a ReLU's output instead of its input", () => {
    const nodes = [
      input,
      node('h', 'Exp', ['x']),
      node('relu', 'Relu', ['h']),
      node('end', 'ReluGrad', ['relu', 'h']),
    ];
    expect(rewriteGraph(nodes, 'end').at(-1)!.inputs).toEqual(['relu', 'relu']);
  });

  /** A 3 × 3 convolution of 16 channels to as many, with what comes behind it. */
  const convolved = (...behind: GraphNode[]) => [
    { ...input, shape: [2, 8, 8, 16] },
    constantNode('filter', 'float32', [3, 3, 16, 16], new Float32Array(9 * 256)),
    constantNode('bias', 'float32', [16], new Float32Array(16)),
    wide('branch', 'Exp', ['x']),
    {
      ...wide('conv', 'Conv2D', ['x', 'filter']),
      attributes: { T, strides: { ints: [1, 1, 1, 1] }, padding: { text: 'SAME' } },
    },
    ...behind,
  ];
  const wide = (name: string, op: string, inputs: string[]) => node(name, op, inputs, [2, 8, 8, 16]);

  it('hands 3×3 convolutions to our kernel, with bias, branch and ReLU', () => {
    const nodes = convolved(
      wide('biased', 'AddV2', ['bias', 'conv']),
      wide('sum', 'AddV2', ['biased', 'branch']),
      wide('end', 'Relu', ['sum']),
    );
    const last = rewriteGraph(nodes, 'end').at(-1)!;
    expect(last).toMatchObject({ name: 'end', op: 'PagConvolution', attributes: { relu: { bool: true } } });
    expect(last.inputs).toEqual(['x', 'filter', 'bias', 'branch']);
  });

  it('leaves a bias where the convolution is needed without it, and a branch behind a ReLU', () => {
    const shared = convolved(
      wide('biased', 'AddV2', ['conv', 'bias']),
      wide('end', 'Mul', ['conv', 'biased']),
    );
    expect(kinds(rewriteGraph(shared, 'end')).slice(-3)).toEqual(['PagConvolution', 'AddV2', 'Mul']);
    const cut = convolved(wide('relu', 'Relu', ['conv']), wide('end', 'AddV2', ['relu', 'branch']));
    expect(kinds(rewriteGraph(cut, 'end')).slice(-2)).toEqual(['PagConvolution', 'AddV2']);
  });

  it.each([
    ['of few channels', [3, 3, 8, 16], 1, 1, 'SAME'],
    ['with a stride', [3, 3, 16, 16], 2, 1, 'SAME'],
    ['with taps apart', [3, 3, 16, 16], 1, 2, 'SAME'],
    ['without a border', [3, 3, 16, 16], 1, 1, 'VALID'],
    ['of another size', [5, 5, 16, 16], 1, 1, 'SAME'],
  ])('leaves a convolution %s to TensorFlow', (_, shape, stride, dilation, padding) => {
    const filter = constantNode('filter', 'float32', shape, new Float32Array(1));
    const [strides, dilations] = [stride, dilation].map((step) => ({ ints: [1, step, step, 1] }));
    const attributes = { T, strides: strides!, dilations: dilations!, padding: { text: padding } };
    const nodes = [input, filter, { ...node('end', 'Conv2D', ['x', 'filter']), attributes }];
    expect(rewriteGraph(nodes, 'end')).toEqual(nodes);
  });

  it('computes the gradient of a narrow strided convolution as a convolution', () => {
    const nodes = [
      input,
      constantNode('size', 'int32', [4], Int32Array.of(2, 16, 16, 2)),
      filterNode,
      node('end', 'Conv2DBackpropInput', ['size', 'filter', 'x'], [2, 16, 16, 2]),
    ];
    const rewritten = rewriteGraph(nodes, 'end');
    expect(kinds(rewritten)).not.toContain('Conv2DBackpropInput');
    expect(rewritten.at(-1)).toMatchObject({ name: 'end', op: 'Slice', shape: [2, 16, 16, 2] });
  });
});
