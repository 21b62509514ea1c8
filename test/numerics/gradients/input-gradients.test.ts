import { beforeAll, describe, expect, it } from 'vitest';
import { batchNormTrain } from '../../../stages/numerics/gradients/batch-norm.ts';
import { inputGradients } from '../../../stages/numerics/gradients/input-gradients.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { tf } from '../../support/engine.ts';
import { derivativeErrors, direction, relativeError } from '../../support/hessian-vector.ts';

const CLASSES = 3;

beforeAll(registerGradients);

const filter = () => direction([3, 3, 2, 4], 'filter') as tf.Tensor4D;
const head = () => direction([4, CLASSES], 'head') as tf.Tensor2D;
const images = () => direction([2, 5, 4, 2], 'images') as tf.Tensor4D;

/** A smooth network: convolution, batch norm, SiLU, mean over space, linear layer. */
function logitsOf(x: tf.Tensor4D, w: tf.Tensor4D, v: tf.Tensor2D): tf.Tensor2D {
  const { y } = batchNormTrain(tf.conv2d(x, w, 1, 'same'), tf.ones([4]), tf.zeros([4]), 1e-2);
  return tf.matMul(tf.mean(silu(y), [1, 2]) as tf.Tensor2D, v);
}

/** One-hot cotangents, one per class, for a batch of two. */
const cotangents = () =>
  [0, 1, 2].map((k) => tf.cast(tf.oneHot(tf.tensor1d([k, k], 'int32'), CLASSES), 'float32') as tf.Tensor2D);

/** Σ_k <gradient of target k, weights>², one forward pass for all targets. */
function shared(x: tf.Tensor4D, w: tf.Tensor4D, v: tf.Tensor2D): tf.Scalar {
  const gradients = inputGradients(logitsOf(x, w, v), x, cotangents());
  return tf.addN(gradients.map((g, k) => tf.sum(tf.mul(direction(x.shape, k), tf.square(g))))) as tf.Scalar;
}

/** The same with one forward pass per target, by tf.grad. */
function separate(x: tf.Tensor4D, w: tf.Tensor4D, v: tf.Tensor2D): tf.Scalar {
  const gradient = (k: number) =>
    tf.grad((at: tf.Tensor) => tf.sum(tf.mul(logitsOf(at as tf.Tensor4D, w, v), cotangents()[k]!)))(x);
  const terms = [0, 1, 2].map((k) => tf.sum(tf.mul(direction(x.shape, k), tf.square(gradient(k)))));
  return tf.addN(terms) as tf.Scalar;
}

/** Names of the kernels that a step runs, in order. */
async function kernelsOf(step: () => void): Promise<string[]> {
  const result = tf.scalar(0);
  const { kernels } = await tf.profile(() => {
    tf.tidy(step);
    return result;
  });
  result.dispose();
  return kernels.map(({ name }) => name);
}

type Loss = (x: tf.Tensor4D, w: tf.Tensor4D, v: tf.Tensor2D) => tf.Scalar;
const weightGradients = (loss: Loss) =>
  tf.grads((x: tf.Tensor, w: tf.Tensor, v: tf.Tensor) =>
    loss(x as tf.Tensor4D, w as tf.Tensor4D, v as tf.Tensor2D),
  )([images(), filter(), head()]);

describe('inputGradients', () => {
  it('gives the same second-order gradients as one forward pass per target', () => {
    tf.tidy(() => {
      const [one, many] = [weightGradients(shared), weightGradients(separate)];
      expect(relativeError(one, many)).toBeLessThan(1e-6);
    });
  });

  it('is differentiable, and so is its gradient', () => {
    const loss = ([w]: tf.Tensor[]) => shared(images(), w as tf.Tensor4D, head());
    expect(Math.max(...derivativeErrors(loss, [filter()], 2))).toBeLessThan(2e-3);
  });

  it('runs the forward pass once for all targets', async () => {
    const count = (kernels: string[], name: string) => kernels.filter((kernel) => kernel === name).length;
    const one = await kernelsOf(() => {
      weightGradients(shared);
    });
    const many = await kernelsOf(() => {
      weightGradients(separate);
    });
    expect([count(one, 'Silu'), count(one, 'BatchNormTrain')]).toEqual([1, 1]);
    expect([count(many, 'Silu'), count(many, 'BatchNormTrain')]).toEqual([3, 3]);
  });

  it('leaves no tensor behind, step after step', () => {
    const before = tf.memory().numTensors;
    for (let step = 0; step < 3; step++) tf.tidy(() => void weightGradients(shared));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says that it needs an active tape', () => {
    tf.tidy(() => {
      const x = images();
      expect(() => inputGradients(logitsOf(x, filter(), head()), x, cotangents())).toThrow(
        /^inputGradients was called outside of a function that is differentiated: no tape is active\.$/,
      );
    });
  });

  it('says when the logits were not computed from x', () => {
    tf.tidy(() => {
      const x = images();
      const loss = (at: tf.Tensor) =>
        tf.sum(inputGradients(logitsOf(x, filter(), head()), at, cotangents())[0]!) as tf.Scalar;
      expect(() => tf.grad(loss)(images())).toThrow(
        /^inputGradients: the logits do not depend on x under the active tape\.$/,
      );
    });
  });

  it('names a kernel on the way that has no gradient', () => {
    tf.tidy(() => {
      const loss = (x: tf.Tensor) =>
        tf.sum(inputGradients(tf.topk(x, 2).values as tf.Tensor2D, x, [tf.ones([2, 2])])[0]!) as tf.Scalar;
      expect(() => tf.grad(loss)(direction([2, 4], 'logits'))).toThrow(
        /^The kernel TopK has no gradient; see gradients\/allowed\.ts\.$/,
      );
    });
  });
});
