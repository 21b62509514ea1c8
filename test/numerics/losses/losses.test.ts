import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { alignmentCosines, alignmentLoss, cosine } from '../../../stages/numerics/losses/alignment.ts';
import { crossEntropy } from '../../../stages/numerics/losses/cross-entropy.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';

beforeAll(registerGradients);

describe('cross entropy', () => {
  it('equals its definition and does not overflow', () => {
    const logits = [
      [1, 2, 3],
      [1000, 0, -1000],
    ];
    const found = tf.tidy(() =>
      crossEntropy(
        tf.tensor2d(logits),
        tf.tensor2d([
          [0, 1, 0],
          [0, 1, 0],
        ]),
      ).dataSync(),
    );
    expect(found[0]).toBeCloseTo(Math.log(Math.E + Math.E ** 2 + Math.E ** 3) - 2, 5);
    expect(found[1]).toBeCloseTo(1000, 2);
  });
});

describe('cosine', () => {
  it('is 1, 0 and -1 where it must be, and fades to 0 for a zero vector, with a finite gradient', () => {
    const u = [
      [3, 4],
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    const v = [
      [6, 8],
      [0, 2],
      [-5, -5],
      [1, 2],
    ];
    const found = tf.tidy(() => [...cosine(tf.tensor2d(u), tf.tensor2d(v)).dataSync()]);
    [1, 0, -1, 0].forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 6);
    });
    const gradient = tf.tidy(() =>
      tf
        .grad((x) => tf.sum(cosine(x as tf.Tensor2D, tf.tensor2d(v))))(tf.tensor2d(u))
        .dataSync(),
    );
    expect([...gradient].every(Number.isFinite)).toBe(true);
  });
});

describe('the alignment loss', () => {
  /** A linear classifier: the input gradient of logit y is the y-th column of the weights, whatever x. */
  const weights = [
    [1, 0, 2],
    [0, 1, -2],
  ];
  const run = (gradientOf: 'logit' | 'log-softmax', x: number[], classes: number[], targets: number[][]) =>
    tf.tidy(() => {
      let cosines: number[] = [];
      let loss = 0;
      tf.grad((w) => {
        const input = tf.tensor2d([x]);
        const logits = tf.matMul(input, w as tf.Tensor2D) as tf.Tensor2D;
        const wanted = classes.map((label, k) => ({
          oneHot: tf.oneHot([label], 3) as tf.Tensor2D,
          gradient: tf.tensor2d([targets[k]!]),
        }));
        const found = alignmentCosines(logits, input, wanted, gradientOf);
        cosines = found.map((value) => value.dataSync()[0]!);
        const sum = alignmentLoss(found);
        loss = sum.dataSync()[0]!;
        return tf.sum(sum);
      })(tf.tensor2d(weights));
      return { cosines, loss };
    });

  it('compares the gradient of the logit with its target, for each target', () => {
    const { cosines, loss } = run(
      'logit',
      [0.3, -0.2],
      [0, 2],
      [
        [1, 1],
        [1, 0],
      ],
    );
    expect(cosines[0]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(cosines[1]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(loss).toBeCloseTo(2 - Math.SQRT2, 5);
  });

  it('compares the gradient of the log-softmax if asked: column minus the mean column under the probabilities', () => {
    const x = [0.3, -0.2];
    const logits = [0, 1, 2].map((y) => x[0]! * weights[0]![y]! + x[1]! * weights[1]![y]!);
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    const gradient = [0, 1].map(
      (axis) =>
        weights[axis]![0]! -
        logits.reduce((sum, z, y) => sum + (Math.exp(z) / total) * weights[axis]![y]!, 0),
    );
    const expected = gradient[0]! / Math.hypot(gradient[0]!, gradient[1]!);
    expect(run('log-softmax', x, [0], [[1, 0]]).cosines[0]).toBeCloseTo(expected, 5);
  });
});
