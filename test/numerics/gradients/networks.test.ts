import { beforeAll, describe, expect, it } from 'vitest';
import { batchNormTrain } from '../../../stages/numerics/gradients/batch-norm.ts';
import { gelu } from '../../../stages/numerics/gradients/gelu.ts';
import { groupNorm } from '../../../stages/numerics/gradients/group-norm.ts';
import { inputGradients } from '../../../stages/numerics/gradients/input-gradients.ts';
import { layerNorm } from '../../../stages/numerics/gradients/layer-norm.ts';
import { logSumExp } from '../../../stages/numerics/gradients/log-sum-exp.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { tf } from '../../support/engine.ts';
import { derivativeErrors, direction, relativeError } from '../../support/hessian-vector.ts';

const TOLERANCE = 2e-3;
const ones = (n: number) => tf.ones([n]) as tf.Tensor1D;
const zeros = (n: number) => tf.zeros([n]) as tf.Tensor1D;

interface SmallNetwork {
  x: number[];
  weights: number[][];
  /** Logits [batch, 3]. */
  logits(x: tf.Tensor, ...weights: tf.Tensor[]): tf.Tensor;
}

const asImage = (x: tf.Tensor) => x as tf.Tensor4D;
const linear = (x: tf.Tensor, w: tf.Tensor) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D);

const networks: Record<string, SmallNetwork> = {
  'of convolutions with stride': {
    x: [2, 6, 5, 2],
    weights: [
      [3, 3, 2, 3],
      [2, 2, 3, 4],
      [4, 3],
    ],
    logits: (x, a, b, c) => {
      const inner = tf.tanh(tf.conv2d(asImage(x), asImage(a!), 2, 'same'));
      const outer = tf.softplus(tf.conv2d(asImage(inner), asImage(b!), 1, 'valid'));
      return linear(tf.mean(outer, [1, 2]), c!);
    },
  },
  'with batch norm and a shortcut': {
    x: [3, 4, 4, 3],
    weights: [
      [3, 3, 3, 3],
      [3, 3, 3, 3],
      [3, 3],
    ],
    logits: (x, a, b, c) => {
      const norm = (t: tf.Tensor) => batchNormTrain(asImage(t), ones(3), zeros(3), 0.1).y;
      const inner = silu(norm(tf.conv2d(asImage(x), asImage(a!), 1, 'same')));
      const outer = norm(tf.conv2d(inner, asImage(b!), 1, 'same'));
      return linear(tf.mean(silu(tf.add(outer, x)), [1, 2]), c!);
    },
  },
  'of one attention block': {
    x: [2, 4, 6],
    weights: [
      [6, 18],
      [6, 3],
    ],
    logits: (x, a, b) => {
      const normed = tf.reshape(layerNorm(x, ones(6), zeros(6), 0.1), [8, 6]);
      const qkv = tf.reshape(linear(normed, a!), [2, 4, 3, 2, 3]);
      const [q, k, v] = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4])) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const mixed = tf.matMul(tf.softmax(tf.matMul(q, k, false, true)), v);
      const rows = tf.add(x, tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [2, 4, 6]));
      return linear(tf.mean(gelu(rows), 1), b!);
    },
  },
  'of pools, group norm, resizing and depthwise filters': {
    x: [2, 4, 6, 4],
    weights: [
      [3, 3, 4, 1],
      [1, 1, 8, 4],
      [4, 3],
    ],
    logits: (x, a, b, c) => {
      const fine = tf.depthwiseConv2d(asImage(x), asImage(a!), 1, 'same');
      const coarse = tf.avgPool(groupNorm(fine, ones(4), zeros(4), 2, 0.1), 2, 2, 'valid');
      const up = tf.image.resizeBilinear(tf.sigmoid(coarse), [4, 6]);
      const joined = tf.conv2d(tf.concat([up, fine], 3), asImage(b!), 1, 'same');
      return linear(tf.mean(tf.softplus(joined), [1, 2]), c!);
    },
  },
};

beforeAll(registerGradients);

/** Cross entropy plus Σ over two targets of (1 - cosine of input gradient and target). */
function trainingLoss({ x: shape, logits }: SmallNetwork, x: tf.Tensor, weights: tf.Tensor[]): tf.Scalar {
  const out = logits(x, ...weights) as tf.Tensor2D;
  const batch = shape[0]!;
  const oneHot = (k: number) => tf.cast(tf.oneHot(tf.fill([batch], k, 'int32'), 3), 'float32') as tf.Tensor2D;
  const ce = tf.sub(logSumExp(out), tf.sum(tf.mul(out, oneHot(0)), 1));
  const terms = inputGradients(out, x, [oneHot(1), oneHot(2)]).map((gradient, k) => {
    const target = direction(shape, 'target', k);
    const product = tf.sqrt(tf.mul(tf.sum(tf.square(gradient)), tf.sum(tf.square(target))));
    return tf.sub(1, tf.div(tf.sum(tf.mul(gradient, target)), product));
  });
  return tf.add(tf.mean(ce), tf.addN(terms)) as tf.Scalar;
}

describe.each(Object.entries(networks))('a network %s', (_name, network) => {
  const x = () => direction(network.x, 'x');
  const weights = () => network.weights.map((shape, i) => direction(shape, 'w', i));

  it('has the right second derivatives by the image and all weights', () => {
    const f = ([image, ...trained]: tf.Tensor[]) => {
      const out = network.logits(image!, ...trained);
      return tf.sum(tf.mul(direction(out.shape, 'logits'), tf.add(out, tf.square(out)))) as tf.Scalar;
    };
    expect(Math.max(...derivativeErrors(f, [x(), ...weights()], 2))).toBeLessThan(TOLERANCE);
  });

  it('has the right gradient of its training loss by the image and all weights', () => {
    const loss = ([image, ...trained]: tf.Tensor[]) => trainingLoss(network, image!, trained);
    expect(derivativeErrors(loss, [x(), ...weights()], 1)[0]).toBeLessThan(TOLERANCE);
  });

  it('gives the same gradients whether or not they are recorded', () => {
    tf.tidy(() => {
      const f = (...at: tf.Tensor[]) => tf.sum(network.logits(at[0]!, ...at.slice(1)));
      const at = [x(), ...weights()];
      const plain = tf.grads(f)(at);
      let recorded: tf.Tensor[] = [];
      tf.grads((...inner: tf.Tensor[]) => {
        recorded = tf
          .grads(f)(inner)
          .map((gradient) => tf.keep(gradient));
        return tf.sum(recorded[0]!) as tf.Scalar;
      })(at);
      expect(relativeError(recorded, plain)).toBeLessThan(1e-5);
      tf.dispose(recorded);
    });
  });
});
