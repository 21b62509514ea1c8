/** Input gradients of several targets in one walk, against one walk for each, through every kind of kernel. */
import { beforeAll, describe, expect, it } from 'vitest';
import { batchNormEval, batchNormTrain } from '../../../stages/numerics/gradients/batch-norm.ts';
import { gelu, geluTanh } from '../../../stages/numerics/gradients/gelu.ts';
import { groupNorm } from '../../../stages/numerics/gradients/group-norm.ts';
import { inputGradients } from '../../../stages/numerics/gradients/input-gradients.ts';
import { layerNorm } from '../../../stages/numerics/gradients/layer-norm.ts';
import { logSoftmax } from '../../../stages/numerics/gradients/log-softmax.ts';
import { lossGradients } from '../../../stages/numerics/gradients/loss-gradients.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { tf } from '../../support/engine.ts';
import { direction, relativeError } from '../../support/hessian-vector.ts';

const BATCH = 2;
const CLASSES = 3;
const TARGETS = 4;

beforeAll(registerGradients);

type Middle = (x: tf.Tensor4D, w: tf.Tensor4D) => tf.Tensor;

const vector = (name: string, size = 4) => tf.add(direction([size], name), 1.5) as tf.Tensor1D;
const rows = (x: tf.Tensor) => tf.reshape(x, [BATCH, 36, 4]);

/** Attention over 36 places with two heads, with the batch moved away from the first axis on the way. */
function attention(x: tf.Tensor): tf.Tensor {
  const heads = tf.transpose(tf.reshape(rows(x), [BATCH, 36, 2, 2]), [2, 0, 1, 3]);
  const scores = tf.softmax(tf.matMul(heads, heads, false, true));
  return tf.reshape(tf.transpose(tf.matMul(scores, heads), [1, 2, 0, 3]), [BATCH, 36, 4]);
}

/** What stands between a convolution [2, 6, 6, 4] and the mean over places. */
const middles: Record<string, Middle> = {
  relu: (x) => tf.relu(x),
  relu6: (x) => tf.relu6(x),
  leakyRelu: (x) => tf.leakyRelu(x, 0.1),
  abs: (x) => tf.abs(x),
  clipByValue: (x) => tf.clipByValue(x, -0.4, 0.5),
  gelu,
  geluTanh,
  silu,
  elu: (x) => tf.elu(x),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.sigmoid(x),
  softplus: (x) => tf.softplus(x),
  'a sum with itself': (x) => tf.add(silu(x), x),
  'a product with itself': (x) => tf.mul(silu(x), x),
  'a factor for each channel': (x) => tf.mul(silu(x), vector('scale')),
  'a factor for each value': (x) => tf.mul(silu(x), direction(x.shape, 'mask')),
  'a difference and a quotient': (x) => tf.div(tf.sub(vector('shift'), x), vector('scale')),
  batchNormTrain: (x) => batchNormTrain(silu(x), vector('gamma'), vector('beta'), 1e-2).y,
  batchNormEval: (x) =>
    batchNormEval(silu(x), vector('mean'), vector('variance'), vector('gamma'), vector('beta'), 1e-2),
  groupNorm: (x) => groupNorm(x, vector('gamma'), vector('beta'), 2, 1e-2),
  layerNorm: (x) => layerNorm(x, vector('gamma'), vector('beta'), 1e-2),
  attention: (x) => attention(silu(x)),
  'a strided convolution, padded': (x, w) => {
    const padded = tf.pad(x, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    return tf.conv2d(silu(padded), tf.concat([w, w], 2) as tf.Tensor4D, 2, 'valid');
  },
  'a depthwise convolution': (x) =>
    tf.depthwiseConv2d(silu(x), direction([3, 3, 4, 1], 'depthwise') as tf.Tensor4D, 1, 'same'),
  maxPool: (x) => tf.maxPool(x, 2, 2, 'valid'),
  avgPool: (x) => tf.avgPool(silu(x), 2, 2, 'valid'),
  resize: (x) => tf.image.resizeNearestNeighbor(silu(x), [12, 12]),
  'a dense layer on every place': (x) =>
    tf.reshape(
      tf.matMul(tf.reshape(silu(x), [-1, 4]) as tf.Tensor2D, direction([4, 4], 'matrix') as tf.Tensor2D),
      x.shape,
    ),
  'products of transposed stacks': (x) => {
    const [h, turned] = [rows(silu(x)), tf.transpose(rows(x), [0, 2, 1])];
    const products = [tf.matMul(h, rows(x), true), tf.matMul(h, turned, true, true), tf.matMul(turned, h)];
    return tf.addN(products);
  },
  'rows against a transposed matrix': (x) =>
    tf.matMul(tf.reshape(silu(x), [-1, 4]), direction([4, 4], 'matrix'), false, true),
  'means with and without their axis': (x) =>
    tf.add(tf.sub(silu(x), tf.mean(x, 3, true)), tf.mean(tf.mean(x, [1, 2], true), 3, true)),
  'a mean over the batch': (x) => tf.mul(silu(x), tf.mean(x, 0, true)),
  'a sum over all': (x) => tf.mul(silu(x), tf.sum(tf.square(x))),
  'parts, exchanged': (x) => {
    const [first, second] = tf.split(silu(x), 2, 3);
    return tf.concat([tf.square(second!), first!], 3);
  },
  'a part': (x) => tf.slice(silu(x), [0, 1, 0, 0], [BATCH, 3, 6, 4]),
  'a part that the rest hangs on': (x) => tf.unstack(tf.reshape(silu(x), [BATCH, 6, 6, 2, 2]), 3)[1]!,
  'padding of the batch': (x) =>
    tf.slice(
      tf.pad(silu(x), [
        [1, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ]),
      [1, 0, 0, 0],
      [BATCH, 6, 6, 4],
    ),
};

function logitsOf(middle: Middle, x: tf.Tensor, w: tf.Tensor): tf.Tensor2D {
  const hidden = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
  const features = middle(hidden, w as tf.Tensor4D);
  const channels = features.shape.at(-1)!;
  const means = tf.mean(tf.reshape(features, [BATCH, -1, channels]), 1);
  return logSoftmax(tf.matMul(means as tf.Tensor2D, direction([channels, CLASSES], 'head') as tf.Tensor2D));
}

const cotangents = () =>
  Array.from({ length: TARGETS }, (_, k) => direction([BATCH, CLASSES], 'cotangent', k) as tf.Tensor2D);

/** Input gradients, and the gradients by weights and images of Σ <weights, gradient²>. */
function gradientsBy(middle: Middle, take: (logits: tf.Tensor2D, x: tf.Tensor) => tf.Tensor[]): tf.Tensor[] {
  const x = direction([BATCH, 6, 6, 2], 'x');
  const w = direction([3, 3, 2, 4], 'w');
  let first: tf.Tensor[] = [];
  const { gradients } = lossGradients(() => {
    first = take(logitsOf(middle, x, w), x).map((gradient) => tf.keep(tf.clone(gradient)));
    const again = take(logitsOf(middle, x, w), x);
    return tf.addN(again.map((g, k) => tf.sum(tf.mul(direction(g.shape, k), tf.square(g))))) as tf.Scalar;
  }, [x, w]);
  return [...first, ...gradients];
}

describe('one walk for all targets', () => {
  it.each(Object.entries(middles))('equals one for each through %s', (_, middle) => {
    tf.tidy(() => {
      const together = gradientsBy(middle, (logits, x) => inputGradients(logits, x, cotangents()));
      const each = gradientsBy(middle, (logits, x) =>
        cotangents().map((cotangent) => inputGradients(logits, x, [cotangent])[0]!),
      );
      expect(together.map(({ shape }) => shape)).toEqual(each.map(({ shape }) => shape));
      together.forEach((gradient, i) => {
        expect(relativeError([gradient], [each[i]!])).toBeLessThan(5e-6);
      });
      tf.dispose([...together, ...each]);
    });
  });
});
