/** Our convolution kernel against sums in float64: sides and channels that fill neither tiles nor vectors, and what follows. */
import { describe, expect, it } from 'vitest';
import { tf } from '../../support/engine.ts';
import {
  type Ending,
  noise,
  ownConvolution,
  plainConvolution,
  worstError,
  zerosOf,
} from '../../support/own-kernels.ts';

/** Largest error over the root mean square of the results; grows with the root of the channels. */
const toleranceOf = (inputs: number) => 2e-6 * Math.max(2, Math.sqrt(inputs));

function expectRight(
  [n, height, width, inputs, outputs]: readonly [number, number, number, number, number],
  ending: Ending = {},
): void {
  const x = noise('x', [n, height, width, inputs]);
  const filter = noise('filter', [3, 3, inputs, outputs]);
  const found = ownConvolution(x, filter, ending);
  expect(found.shape).toEqual([n, height, width, outputs]);
  expect(worstError(found, plainConvolution(x, filter, ending))).toBeLessThan(toleranceOf(inputs));
}

describe('PagConvolution', () => {
  it.each([
    [1, 1, 1, 1, 1],
    [2, 4, 4, 16, 32],
    [3, 5, 7, 3, 20],
    [2, 9, 2, 17, 33],
    [1, 12, 16, 40, 8],
    [5, 3, 3, 64, 65],
    [1, 8, 8, 300, 5],
    // More tiles than are worked on at a time.
    [40, 16, 16, 32, 32],
  ] as const)('%i images of %i×%i×%i to %i channels', (...sizes) => {
    tf.tidy(() => expectRight(sizes));
  });

  it('adds a bias and another branch, and cuts off below zero', () => {
    tf.tidy(() => {
      const sizes = [2, 6, 5, 9, 18] as const;
      const bias = noise('bias', [18]);
      const added = noise('added', [2, 6, 5, 18]);
      for (const ending of [
        { bias },
        { added },
        { relu: true },
        { bias, added },
        { bias, added, relu: true },
      ]) {
        expectRight(sizes, ending);
      }
    });
  });

  it('gives an image the same bits alone and among others', () => {
    tf.tidy(() => {
      const x = noise('x', [37, 8, 8, 24]) as tf.Tensor4D;
      const filter = noise('filter', [3, 3, 24, 40]);
      const all = ownConvolution(x, filter);
      for (const image of [0, 17, 36]) {
        const alone = ownConvolution(tf.slice(x, image, 1), filter);
        expect(alone.dataSync()).toEqual(tf.slice(all, image, 1).dataSync());
      }
    });
  });

  it('keeps NaN where it reaches, and infinity no number', () => {
    tf.tidy(() => {
      const x = tf.buffer([1, 12, 12, 1]);
      x.set(Number.NaN, 0, 1, 1, 0);
      for (const relu of [false, true]) {
        const y = ownConvolution(x.toTensor(), tf.ones([3, 3, 1, 1]), { relu }).dataSync();
        expect([0, 1, 2].flatMap((row) => [...y.slice(12 * row, 12 * row + 3)])).toEqual(
          Array(9).fill(Number.NaN),
        );
        expect(y.at(-1)).toBe(0);
      }
      x.set(Number.POSITIVE_INFINITY, 0, 1, 1, 0);
      const infinite = ownConvolution(x.toTensor(), tf.ones([3, 3, 1, 1])).dataSync();
      expect(Number.isFinite(infinite[13])).toBe(false);
    });
  });

  it('takes no images', () => {
    tf.tidy(() => {
      const y = ownConvolution(tf.zeros([0, 4, 4, 8]), noise('filter', [3, 3, 8, 8]));
      expect(y.shape).toEqual([0, 4, 4, 8]);
    });
  });

  it.each([
    [
      [2, 4, 4],
      [3, 3, 4, 4],
      {},
      'expected images [batch, height, width, inputs] and a filter [3, 3, inputs, outputs]',
    ],
    [[2, 4, 4, 4], [3, 3, 5, 4], {}, 'expected 144 values of filter, found 180'],
    [[2, 4, 4, 4], [3, 3, 4, 4], { bias: [5] }, 'expected 4 values of bias, found 5'],
    [[2, 4, 4, 4], [3, 3, 4, 4], { added: [2, 4, 4, 3] }, 'expected 128 values of added, found 96'],
  ])('refuses %j with a filter %j and %j', (xShape, filterShape, ending, message) => {
    const others = zerosOf(ending);
    expect(() => ownConvolution(tf.zeros(xShape), tf.zeros(filterShape), others)).toThrow(
      `PagConvolution: ${message}`,
    );
  });
});
