/** For every allowed op, calls with odd shapes, a batch of one and broadcasting, with inputs where it is smooth. */
import { batchNormEval, batchNormTrain } from '../../../stages/numerics/gradients/batch-norm.ts';
import { depthwiseTransposed } from '../../../stages/numerics/gradients/depthwise-conv2d.ts';
import { gelu, geluTanh } from '../../../stages/numerics/gradients/gelu.ts';
import {
  groupNorm,
  type Modulation,
  modulatedGroupNorm,
} from '../../../stages/numerics/gradients/group-norm.ts';
import { layerNorm } from '../../../stages/numerics/gradients/layer-norm.ts';
import { logSoftmax } from '../../../stages/numerics/gradients/log-softmax.ts';
import { logSumExp } from '../../../stages/numerics/gradients/log-sum-exp.ts';
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { softmax } from '../../../stages/numerics/gradients/softmax.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';

/** Makes one argument. */
type Argument = (seed: number) => tf.Tensor;

export interface OpCase {
  what: string;
  arguments: Argument[];
  /** The op; float tensors out. */
  call(...xs: tf.Tensor[]): tf.Tensor | tf.Tensor[];
}

/** A tensor whose values come from one stream. */
function filled(shape: number[], value: (stream: ReturnType<typeof randomStream>) => number): Argument {
  return (seed) => {
    const stream = randomStream(seed, 'argument', ...shape);
    const size = shape.reduce((product, length) => product * length, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, () => value(stream)),
      shape,
      'float32',
    );
  };
}

/** Standard normal values. */
const normal = (...shape: number[]) => filled(shape, (stream) => stream.normal());
/** Values in [0.5, 2). */
const positive = (...shape: number[]) => filled(shape, (stream) => 0.5 + 1.5 * stream.uniform());
/** ±[0.2, 1.2): no zero, no one of a kink, within a difference step. */
const offZero = (...shape: number[]) =>
  filled(shape, (stream) => (stream.uniform() < 0.5 ? -1 : 1) * (0.2 + 0.7 * stream.uniform()));

/** ±0.1, ±0.3, ±0.5 … in random order: no extreme and no integer changes hands within a difference step. */
const odd = (...shape: number[]) => lattice(0.1, shape);
/** 0, ±0.2, ±0.4 … in random order: never near a value of {@link odd}. */
const even = (...shape: number[]) => lattice(0, shape);

function lattice(offset: number, shape: number[]): Argument {
  return (seed) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const order = randomStream(seed, 'lattice', ...shape).permutation(size);
    const middle = Math.floor(size / 2);
    return tf.tensor(
      Float32Array.from(order, (rank) => 0.2 * (rank - middle) + offset),
      shape,
    );
  };
}

const one = (what: string, argument: Argument, call: (x: tf.Tensor) => tf.Tensor): OpCase => ({
  what,
  arguments: [argument],
  call,
});
const two = (
  what: string,
  a: Argument,
  b: Argument,
  call: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): OpCase => ({ what, arguments: [a, b], call });

/** A function of one number: an odd shape, a single value, a scalar. */
const pointwise = (argument: typeof normal, call: (x: tf.Tensor) => tf.Tensor): OpCase[] => [
  one('[3, 1, 5]', argument(3, 1, 5), call),
  one('[1]', argument(1), call),
  one('scalar', argument(), call),
];

/** A function of two tensors: equal shapes, rows against a column, a scalar. */
const binary = (argument: typeof normal, call: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): OpCase[] => [
  two('equal shapes', argument(3, 5), argument(3, 5), call),
  two('[2, 1, 5] and [3, 1]', argument(2, 1, 5), argument(3, 1), call),
  two('[4] and a scalar', argument(4), argument(), call),
];

/** As {@link binary}, with no ties. */
const extremes = (call: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): OpCase[] => [
  two('equal shapes', odd(3, 5), even(3, 5), call),
  two('[2, 1, 5] and [3, 1]', odd(2, 1, 5), even(3, 1), call),
  two('[4] and a scalar', odd(4), even(), call),
];

/** A flat function enters as a factor, so that its zero gradient meets one that is not zero. */
const flat = (call: (x: tf.Tensor) => tf.Tensor): OpCase[] => [
  one('[3, 5]', odd(3, 5), (x) => tf.mul(tf.cast(call(x), 'float32'), tf.square(x))),
];
const flatPair = (call: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): OpCase[] =>
  [[odd(3, 5), odd(5)] as const, [odd(2, 1, 3), odd(1, 2, 1)] as const].map(([a, b]) =>
    two('broadcast', a, b, (x, y) => tf.mul(tf.cast(call(x, tf.mul(y, 0.01)), 'float32'), tf.square(x))),
  );

const image = (x: tf.Tensor) => x as tf.Tensor4D;
type Pad = 'same' | 'valid' | [[0, 0], [number, number], [number, number], [0, 0]];

/** One convolution of an image and a filter. */
function convolution(
  op: 'conv2d' | 'depthwiseConv2d',
  size: [number, number, number, number],
  filter: [number, number, number, number],
  stride: number | [number, number],
  pad: Pad,
  dilation: number | [number, number] = 1,
): OpCase {
  const what = `${size} * ${filter}, stride ${stride}, pad ${pad}, dilation ${dilation}`;
  return two(what, normal(...size), normal(...filter), (x, w) =>
    tf[op](image(x), image(w), stride, pad as 'same', 'NHWC', dilation),
  );
}

const convolutions = (op: 'conv2d' | 'depthwiseConv2d', output: number): OpCase[] => [
  convolution(op, [2, 5, 4, 3], [3, 3, 3, output], 1, 'same'),
  convolution(op, [1, 7, 6, 2], [3, 2, 2, output], 2, 'same'),
  convolution(op, [1, 6, 5, 2], [2, 3, 2, output], 1, 'valid'),
  convolution(op, [2, 7, 7, 1], [3, 3, 1, output], 2, 'valid'),
  convolution(op, [1, 4, 4, 3], [1, 1, 3, output], 2, 'same'),
  convolution(op, [1, 6, 6, 2], [3, 3, 2, output], 2, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]),
  convolution(op, [1, 5, 6, 2], [3, 3, 2, output], 1, [
    [0, 0],
    [1, 2],
    [0, 1],
    [0, 0],
  ]),
  convolution(op, [1, 7, 8, 2], [3, 3, 2, output], 1, 'same', 2),
  convolution(op, [1, 8, 7, 2], [2, 3, 2, output], 1, 'valid', [3, 2]),
];

const pool = (op: 'avgPool' | 'maxPool', argument: typeof normal): OpCase[] => [
  one('2 by 2', argument(2, 4, 6, 3), (x) => tf[op](image(x), 2, 2, 'valid')),
  one('overlapping, same', argument(1, 5, 7, 2), (x) => tf[op](image(x), 3, 2, 'same')),
  one('odd window', argument(1, 5, 5, 1), (x) => tf[op](image(x), [3, 2], [1, 2], 'valid')),
];

const resize = (op: 'resizeBilinear' | 'resizeNearestNeighbor'): OpCase[] => [
  one('twice as large', normal(2, 3, 4, 2), (x) => tf.image[op](image(x), [6, 8])),
  one('odd, half-pixel centers', normal(1, 3, 5, 1), (x) => tf.image[op](image(x), [7, 6], false, true)),
  one('odd, aligned corners', normal(1, 4, 3, 2), (x) => tf.image[op](image(x), [7, 5], true)),
  one('smaller', normal(1, 6, 6, 1), (x) => tf.image[op](image(x), [3, 2])),
];

const reduction = (
  argument: typeof normal,
  call: (x: tf.Tensor, axes?: number | number[], keep?: boolean) => tf.Tensor,
): OpCase[] => [
  one('all axes', argument(3, 4), (x) => call(x)),
  one('the last axis', argument(2, 3, 4), (x) => call(x, -1)),
  one('two axes, kept', argument(2, 3, 4), (x) => call(x, [0, 2], true)),
  one('batch of one', argument(1, 5), (x) => call(x, 0)),
];

const norm3 = (
  shape: [number, number, number, number],
  call: (x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D) => tf.Tensor,
): OpCase => ({
  what: `[${shape}]`,
  arguments: [normal(...shape), normal(shape[3]), normal(shape[3])],
  call: (x, gamma, beta) => call(image(x!), gamma as tf.Tensor1D, beta as tf.Tensor1D),
});

const indices = () => tf.tensor1d([2, 0, 2, 1], 'int32');

/** Calls of the functions of tf, by name. */
export const tfCases: Record<string, OpCase[]> = {
  abs: pointwise(offZero, tf.abs),
  add: binary(normal, tf.add),
  addN: [
    { what: 'three', arguments: [normal(3, 2), normal(3, 2), normal(3, 2)], call: (...xs) => tf.addN(xs) },
  ],
  argMax: flat((x) => tf.expandDims(tf.argMax(x, 1), 1)),
  argMin: flat((x) => tf.expandDims(tf.argMin(x, 1), 1)),
  avgPool: pool('avgPool', normal),
  broadcastTo: [
    one('rows', normal(1, 3), (x) => tf.broadcastTo(x, [4, 3])),
    one('images', normal(2, 1, 1, 3), (x) => tf.broadcastTo(x, [2, 4, 5, 3])),
  ],
  cast: [one('float to float', normal(3), (x) => tf.cast(x, 'float32'))],
  ceil: flat(tf.ceil),
  clipByValue: [one('partly outside', odd(4, 5), (x) => tf.clipByValue(x, -0.4, 0.8))],
  clone: [one('[2, 3]', normal(2, 3), tf.clone)],
  concat: [
    two('last axis', normal(2, 3, 1), normal(2, 3, 4), (a, b) => tf.concat([a, b], 2)),
    two('batch', normal(1, 3), normal(2, 3), (a, b) => tf.concat([a, b], 0)),
  ],
  concat2d: [
    two('columns', normal(3, 2), normal(3, 1), (a, b) =>
      tf.concat2d([a as tf.Tensor2D, b as tf.Tensor2D], 1),
    ),
  ],
  conv2d: convolutions('conv2d', 2),
  conv2dTranspose: [
    two('stride 2, same', normal(2, 3, 4, 3), normal(3, 3, 2, 3), (x, w) =>
      tf.conv2dTranspose(image(x), image(w), [2, 6, 8, 2], 2, 'same'),
    ),
    two('valid', normal(1, 3, 3, 1), normal(2, 3, 2, 1), (x, w) =>
      tf.conv2dTranspose(image(x), image(w), [1, 4, 5, 2], 1, 'valid'),
    ),
  ],
  cos: pointwise(normal, tf.cos),
  cumsum: [
    one('last axis', normal(2, 5), (x) => tf.cumsum(x, 1)),
    one('reversed, exclusive', normal(2, 5), (x) => tf.cumsum(x, 1, true, true)),
  ],
  depthwiseConv2d: convolutions('depthwiseConv2d', 1).concat([
    convolution('depthwiseConv2d', [1, 5, 4, 2], [3, 3, 2, 3], 1, 'same'),
  ]),
  div: binary(positive, tf.div),
  elu: pointwise(offZero, tf.elu),
  equal: flatPair(tf.equal),
  erf: pointwise(normal, tf.erf),
  exp: pointwise(normal, tf.exp),
  expandDims: [one('[3, 2]', normal(3, 2), (x) => tf.expandDims(x, 1))],
  expm1: pointwise(normal, tf.expm1),
  floor: flat(tf.floor),
  gather: [
    one('rows', normal(3, 4), (x) => tf.gather(x, indices())),
    one('inner axis', normal(2, 3, 2), (x) => tf.gather(x, indices(), 1)),
  ],
  greater: flatPair(tf.greater),
  greaterEqual: flatPair(tf.greaterEqual),
  'image.resizeBilinear': resize('resizeBilinear'),
  'image.resizeNearestNeighbor': resize('resizeNearestNeighbor'),
  isFinite: flat(tf.isFinite),
  isInf: flat(tf.isInf),
  isNaN: flat(tf.isNaN),
  leakyRelu: pointwise(offZero, (x) => tf.leakyRelu(x, 0.3)),
  less: flatPair(tf.less),
  lessEqual: flatPair(tf.lessEqual),
  log: pointwise(positive, tf.log),
  log1p: pointwise(positive, tf.log1p),
  logicalAnd: flat((x) => tf.logicalAnd(tf.greater(x, 0), tf.less(x, 1))),
  logicalNot: flat((x) => tf.logicalNot(tf.greater(x, 0))),
  logicalOr: flat((x) => tf.logicalOr(tf.greater(x, 1), tf.less(x, 0))),
  matMul: [
    two('[3, 4] [4, 2]', normal(3, 4), normal(4, 2), (a, b) => tf.matMul(a, b)),
    two('transposed', normal(4, 3), normal(2, 4), (a, b) => tf.matMul(a, b, true, true)),
    two('batches', normal(2, 3, 4), normal(2, 5, 4), (a, b) => tf.matMul(a, b, false, true)),
    two('one row', normal(1, 4), normal(4, 1), (a, b) => tf.matMul(a, b)),
  ],
  max: reduction(odd, tf.max),
  maxPool: pool('maxPool', odd),
  maximum: extremes(tf.maximum),
  mean: reduction(normal, tf.mean),
  min: reduction(odd, tf.min),
  minimum: extremes(tf.minimum),
  moments: [
    one('over batch and space', normal(2, 3, 3, 2), (x) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.add(mean, tf.mul(variance, 3));
    }),
  ],
  mul: binary(normal, tf.mul),
  neg: pointwise(normal, tf.neg),
  notEqual: flatPair(tf.notEqual),
  oneHot: flat((x) => tf.sum(tf.oneHot(tf.argMax(x, 1), 4), 1, true)),
  onesLike: flat(tf.onesLike),
  pad: [
    one('one side', normal(2, 3), (x) =>
      tf.pad(x, [
        [0, 0],
        [1, 2],
      ]),
    ),
  ],
  pow: [
    ...binary(positive, tf.pow),
    one('square', normal(3), (x) => tf.pow(x, 2)),
    one('third power of negative numbers', offZero(3), (x) => tf.pow(x, 3)),
  ],
  reciprocal: pointwise(positive, tf.reciprocal),
  relu: pointwise(offZero, tf.relu),
  relu6: pointwise(odd, (x) => tf.relu6(tf.mul(x, 7.5))),
  reshape: [one('[3, 4] to [2, 6]', normal(3, 4), (x) => tf.reshape(x, [2, 6]))],
  reverse: [one('columns', normal(3, 4), (x) => tf.reverse(x, 1))],
  round: flat((x) => tf.round(tf.mul(x, 2.5))),
  rsqrt: pointwise(positive, tf.rsqrt),
  selu: pointwise(offZero, tf.selu),
  sigmoid: pointwise(normal, tf.sigmoid),
  sign: flat(tf.sign),
  sin: pointwise(normal, tf.sin),
  slice: [
    one('inner part', normal(4, 5), (x) => tf.slice(x, [1, 2], [2, 3])),
    one('to the end', normal(4, 5), (x) => tf.slice(x, [1, 0], [-1, 2])),
  ],
  softmax: [
    one('[3, 5]', normal(3, 5), (x) => tf.softmax(x)),
    one('[2, 2, 4]', normal(2, 2, 4), (x) => tf.softmax(x)),
    one('one row', normal(1, 2), (x) => tf.softmax(x)),
  ],
  softplus: pointwise(normal, tf.softplus),
  split: [
    {
      what: 'three parts, two used',
      arguments: [normal(2, 6)],
      call: (x) => tf.split(x!, 3, 1).slice(0, 2),
    },
    { what: 'uneven parts', arguments: [normal(5)], call: (x) => tf.split(x!, [2, 3]) },
  ],
  sqrt: pointwise(positive, tf.sqrt),
  square: pointwise(normal, tf.square),
  squaredDifference: binary(normal, tf.squaredDifference),
  squeeze: [one('[3, 1, 2]', normal(3, 1, 2), (x) => tf.squeeze(x, [1]))],
  stack: [two('inner axis', normal(2, 3), normal(2, 3), (a, b) => tf.stack([a, b], 1))],
  step: flat((x) => tf.step(x)),
  sub: binary(normal, tf.sub),
  sum: reduction(normal, tf.sum),
  tanh: pointwise(normal, tf.tanh),
  tile: [
    one('columns', normal(2, 3), (x) => tf.tile(x, [1, 4])),
    one('every axis', normal(2, 1, 3, 2), (x) => tf.tile(x, [2, 3, 1, 2])),
    one('one axis', normal(3), (x) => tf.tile(x, [2])),
  ],
  transpose: [one('[2, 3, 4]', normal(2, 3, 4), (x) => tf.transpose(x, [2, 0, 1]))],
  unstack: [{ what: 'rows', arguments: [normal(3, 2)], call: (x) => tf.unstack(x!).slice(1) }],
  where: [
    two('branches of x', offZero(3, 4), normal(3, 4), (a, b) => tf.where(tf.greater(a, 0), tf.square(a), b)),
    two('broadcast', offZero(3, 1), normal(1, 4), (a, b) => tf.where(tf.greater(a, 0), a, b)),
  ],
  zerosLike: flat((x) => tf.add(tf.zerosLike(x), 2)),
};

/** Calls of our own functions, by name. */
export const ownCases: Record<string, OpCase[]> = {
  batchNormEval: [
    norm3([2, 3, 2, 3], (x, gamma, beta) => {
      const variance = tf.tensor1d([0.3, 1, 2]);
      return batchNormEval(x, tf.tensor1d([0.1, -1, 2]), variance, gamma, beta, 1e-3);
    }),
  ],
  batchNormTrain: (
    [
      [2, 3, 2, 3],
      [1, 4, 3, 2],
      [5, 1, 1, 4],
    ] as const
  ).map((shape) => norm3([...shape], (x, gamma, beta) => batchNormTrain(x, gamma, beta, 1e-2).y)),
  depthwiseTransposed: [
    two('four taps', normal(2, 3, 2, 3), normal(4, 4, 3, 1), (x, filter) =>
      depthwiseTransposed(x as tf.Tensor4D, filter as tf.Tensor4D, 2, [6, 4]),
    ),
    two('two taps', normal(1, 2, 2, 2), normal(2, 2, 2, 1), (x, filter) =>
      depthwiseTransposed(x as tf.Tensor4D, filter as tf.Tensor4D, 2, [4, 4]),
    ),
  ],
  gelu: pointwise(normal, gelu),
  geluTanh: pointwise(normal, geluTanh),
  groupNorm: [
    norm3([2, 3, 3, 4], (x, gamma, beta) => groupNorm(x, gamma, beta, 2, 1e-2)),
    norm3([1, 2, 3, 3], (x, gamma, beta) => groupNorm(x, gamma, beta, 1, 1e-2)),
    norm3([2, 3, 2, 3], (x, gamma, beta) => groupNorm(x, gamma, beta, 3, 1e-2)),
  ],
  layerNorm: [
    norm3([2, 3, 1, 5], (x, gamma, beta) => layerNorm(x, gamma, beta, 1e-2)),
    norm3([1, 1, 1, 7], (x, gamma, beta) => layerNorm(x, gamma, beta, 1e-2)),
  ],
  logSoftmax: [
    one('[3, 5]', normal(3, 5), (x) => logSoftmax(x)),
    one('[1, 2, 3]', normal(1, 2, 3), (x) => logSoftmax(x)),
  ],
  logSumExp: reduction(normal, (x, axes, keep) => logSumExp(x, axes ?? [0, 1], keep)),
  modulatedGroupNorm: [
    {
      what: 'everything around it',
      arguments: [normal(2, 3, 3, 4), ...Array.from({ length: 3 }, () => normal(2, 1, 1, 4))],
      call: (x, added, scale, shift) =>
        modulatedGroupNorm(
          x as tf.Tensor4D,
          tf.tensor1d([1, 0.5, -1, 2]),
          tf.tensor1d([0.1, 0, 1, -1]),
          { groups: 2, epsilon: 1e-2 },
          { added, scale, shift } as Modulation,
        ),
    },
  ],
  silu: pointwise(normal, silu),
  softmax: [one('[2, 3, 4]', normal(2, 3, 4), (x) => softmax(x))],
};
