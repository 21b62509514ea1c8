import { beforeAll, describe, expect, it } from 'vitest';
import { batchNormTrain } from '../../../stages/numerics/gradients/batch-norm.ts';
import { inputGradients } from '../../../stages/numerics/gradients/input-gradients.ts';
import { lossGradients, sharedLossGradients } from '../../../stages/numerics/gradients/loss-gradients.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { tf } from '../../support/engine.ts';
import { direction, relativeError } from '../../support/hessian-vector.ts';

const LAYERS = 6;
const TARGETS = 4;

beforeAll(registerGradients);

const weights = () =>
  Array.from({ length: LAYERS }, (_, i) => direction([3, 3, 8, 8], 'w', i) as tf.Tensor4D);
const images = () => direction([4, 8, 8, 8], 'x') as tf.Tensor4D;

/** Through convolutions, norms, shortcuts and SiLU: [4, 8]. */
function logitsOf(x: tf.Tensor4D, trained: tf.Tensor[]): tf.Tensor2D {
  let hidden = x;
  for (const w of trained) {
    const { y } = batchNormTrain(
      tf.conv2d(hidden, w as tf.Tensor4D, 1, 'same'),
      tf.ones([8]),
      tf.zeros([8]),
      0.1,
    );
    hidden = tf.add(hidden, silu(y));
  }
  return tf.mean(hidden, [1, 2]) as tf.Tensor2D;
}

/** The squared input gradient of target k. */
function targetTerm(logits: tf.Tensor2D, x: tf.Tensor, k: number): tf.Scalar {
  const cotangent = direction([4, 8], 'target', k) as tf.Tensor2D;
  return tf.sum(tf.square(inputGradients(logits, x, [cotangent])[0]!)) as tf.Scalar;
}

/** Σ over targets of the squared input gradient, and of the squared logits. */
function loss(x: tf.Tensor4D, trained: tf.Tensor[]): tf.Scalar {
  const logits = logitsOf(x, trained);
  const terms = Array.from({ length: TARGETS }, (_, k) => targetTerm(logits, x, k));
  return tf.add(tf.addN(terms), tf.sum(tf.square(logits))) as tf.Scalar;
}

/** The terms of {@link loss} one by one. */
function inTerms(x: tf.Tensor4D, trained: tf.Tensor[], by: tf.Tensor[]) {
  const terms = Array.from({ length: TARGETS }, (_, k) => (logits: tf.Tensor2D) => targetTerm(logits, x, k));
  const squares = (logits: tf.Tensor2D) => tf.sum(tf.square(logits)) as tf.Scalar;
  return sharedLossGradients(() => logitsOf(x, trained), [...terms, squares], by);
}

/** Most bytes held in tensors at any time during a step, beyond those held before it. */
async function peakBytes(step: () => void): Promise<number> {
  const result = tf.scalar(0);
  const before = tf.memory().numBytes;
  const { peakBytes: peak } = await tf.profile(() => {
    tf.tidy(step);
    return result;
  });
  result.dispose();
  return peak - before;
}

describe('lossGradients', () => {
  it('gives what tf.valueAndGrads gives', () => {
    tf.tidy(() => {
      const [x, trained] = [images(), weights()];
      const { value, gradients } = lossGradients(() => loss(x, trained), [x, ...trained]);
      const { value: expectedValue, grads: expected } = tf.valueAndGrads(
        (image: tf.Tensor, ...ws: tf.Tensor[]) => loss(image as tf.Tensor4D, ws),
      )([x, ...trained]);
      expect(relativeError([value], [expectedValue])).toBe(0);
      expect(gradients.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
      expect(relativeError(gradients, expected)).toBeLessThan(1e-6);
    });
  });

  it('needs much less memory where the loss contains gradients', async () => {
    const own = await peakBytes(() => {
      const [x, trained] = [images(), weights()];
      lossGradients(() => loss(x, trained), trained);
    });
    const engines = await peakBytes(() => {
      const [x, trained] = [images(), weights()];
      tf.valueAndGrads((...ws: tf.Tensor[]) => loss(x, ws))(trained);
    });
    expect(own / engines).toBeLessThan(0.7);
  });

  it('leaves value and gradients to the caller, and nothing else', () => {
    tf.tidy(() => {
      const [x, trained] = [images(), weights()];
      const before = tf.memory().numTensors;
      for (let step = 1; step <= 3; step++) {
        lossGradients(() => loss(x, trained), trained);
        expect(tf.memory().numTensors).toBe(before + step * (1 + LAYERS));
      }
    });
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      lossGradients(() => loss(images(), weights()), [tf.ones([2])]);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('works on variables, and gives zeros for those that the loss does not depend on', () => {
    tf.tidy(() => {
      const [used, unused] = [tf.variable(tf.tensor1d([3, 4])), tf.variable(tf.tensor1d([1, 2]))];
      const { value, gradients } = lossGradients(() => tf.sum(tf.square(used)), [used, unused]);
      expect(value.dataSync()[0]).toBe(25);
      expect(gradients.map((gradient) => [...gradient.dataSync()])).toEqual([
        [6, 8],
        [0, 0],
      ]);
      tf.dispose([used, unused]);
    });
  });

  it('adds up the ways by which one tensor enters', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([2, 3]);
      const cube = () => tf.sum(tf.mul(tf.mul(x, x), x)) as tf.Scalar;
      expect([...lossGradients(cube, [x]).gradients[0]!.dataSync()]).toEqual([12, 27]);
    });
  });

  it('says that it cannot be differentiated itself', () => {
    tf.tidy(() => {
      const nested = (x: tf.Tensor) => lossGradients(() => tf.sum(tf.square(x)), [x]).value;
      expect(() => tf.grad(nested)(tf.ones([2]))).toThrow(
        /^lossGradients was called inside a function that is differentiated: it gives its tape away\.$/,
      );
    });
  });

  it('can be called again after a loss that threw', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([2]);
      const broken = () => {
        tf.square(x);
        throw new Error('no loss today');
      };
      expect(() => lossGradients(broken, [x])).toThrow('no loss today');
      expect([...lossGradients(() => tf.sum(tf.square(x)), [x]).gradients[0]!.dataSync()]).toEqual([4]);
    });
  });
});

describe('sharedLossGradients', () => {
  it('gives the terms, and the gradients of their sum', () => {
    tf.tidy(() => {
      const [x, trained] = [images(), weights()];
      const { values, gradients } = inTerms(x, trained, [x, ...trained]);
      const whole = lossGradients(() => loss(x, trained), [x, ...trained]);
      expect(values).toHaveLength(TARGETS + 1);
      expect(relativeError([tf.addN(values)], [whole.value])).toBeLessThan(1e-6);
      gradients.forEach((gradient, i) => {
        expect(relativeError([gradient], [whole.gradients[i]!])).toBeLessThan(1e-5);
      });
    });
  });

  it('needs memory for one term at a time', async () => {
    const own = await peakBytes(() => {
      const [x, trained] = [images(), weights()];
      inTerms(x, trained, trained);
    });
    const whole = await peakBytes(() => {
      const [x, trained] = [images(), weights()];
      lossGradients(() => loss(x, trained), trained);
    });
    expect(own / whole).toBeLessThan(0.7);
  });

  it('leaves values and gradients to the caller, and nothing else', () => {
    tf.tidy(() => {
      const [x, trained] = [images(), weights()];
      const before = tf.memory().numTensors;
      for (let step = 1; step <= 3; step++) {
        inTerms(x, trained, trained);
        expect(tf.memory().numTensors).toBe(before + step * (TARGETS + 1 + LAYERS));
      }
    });
  });

  it('takes a term that the forward pass has already, also twice, and one that depends on nothing', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([2, 3]);
      const forward = () => tf.sum(tf.square(x)) as tf.Scalar;
      const itself = (shared: tf.Scalar) => shared;
      const constant = () => tf.scalar(5);
      const { values, gradients } = sharedLossGradients(forward, [itself, constant, itself], [x]);
      expect(values.map((value) => value.dataSync()[0])).toEqual([13, 5, 13]);
      expect([...gradients[0]!.dataSync()]).toEqual([8, 12]);
    });
  });
});
