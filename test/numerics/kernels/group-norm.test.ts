/** Our group norm kernel against float64, with everything that may stand around it, and against TensorFlow's kernels. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Modulation, modulatedGroupNorm } from '../../../stages/numerics/gradients/group-norm.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { tf } from '../../support/engine.ts';
import {
  type Norm,
  noise,
  ownGroupNorm,
  plainGroupNorm,
  worstError,
  zerosOf,
} from '../../support/own-kernels.ts';

const TOLERANCE = 2e-6;

beforeAll(registerGradients);

function normOf(
  n: number,
  channels: number,
  groups: number,
): Norm & Required<Pick<Norm, 'added' | 'scale' | 'shift'>> {
  const table = (name: string) => noise(name, [n, channels]);
  const vector = (name: string) => noise(name, [channels]);
  return {
    ...{ groups, epsilon: 1e-5, gamma: vector('gamma'), beta: vector('beta') },
    ...{ added: table('added'), scale: table('scale'), shift: table('shift') },
  };
}

describe('PagGroupNorm', () => {
  it.each([
    [1, 1, 1, 2, 1],
    [2, 4, 4, 16, 4],
    [3, 5, 7, 6, 3],
    [2, 3, 2, 40, 8],
    [2, 8, 8, 33, 11],
    [1, 16, 16, 128, 32],
  ])(
    '%i images of %i×%i×%i in %i groups, with all that may stand around',
    (n, height, width, channels, groups) => {
      tf.tidy(() => {
        const x = noise('x', [n, height, width, channels]);
        const { added, scale, shift, ...norm } = normOf(n, channels, groups);
        const arounds = [{}, { added }, { scale, shift }, { added, scale, shift }];
        for (const around of arounds.flatMap((some) => [some, { ...some, silu: true }])) {
          const all = { ...norm, ...around };
          const found = ownGroupNorm(x, all);
          expect(found.shape).toEqual(x.shape);
          expect(worstError(found, plainGroupNorm(x, all))).toBeLessThan(TOLERANCE);
        }
      });
    },
  );

  it('keeps its digits where the mean is far from zero', () => {
    tf.tidy(() => {
      const x = noise('x', [2, 6, 6, 8], 1000);
      const { added: _, scale: __, shift: ___, ...norm } = normOf(2, 8, 2);
      expect(worstError(ownGroupNorm(x, norm), plainGroupNorm(x, norm))).toBeLessThan(1e-4);
    });
  });

  it('has SiLU right far out on both sides', () => {
    tf.tidy(() => {
      const values = [-200, -100, -88, -20, -1e-3, 0, 1e-3, 20, 88, 200];
      // Without spread the norm gives beta, whatever x is.
      const norm = { groups: 10, epsilon: 1e-5, gamma: tf.ones([10]), beta: tf.tensor1d(values), silu: true };
      const found = ownGroupNorm(tf.zeros([1, 2, 2, 10]), norm)
        .dataSync()
        .slice(0, 10);
      for (const [i, value] of values.entries()) {
        const expected = value / (1 + Math.exp(-value));
        expect(Math.abs(found[i]! - expected)).toBeLessThanOrEqual(3e-7 * Math.abs(expected) + 1e-35);
      }
    });
  });

  it('keeps NaN within its image and group', () => {
    tf.tidy(() => {
      const x = noise('x', [2, 2, 2, 4]).arraySync() as number[][][][];
      x[0]![1]![1]![0] = Number.NaN;
      const norm = { groups: 2, epsilon: 1e-5, gamma: tf.ones([4]), beta: tf.zeros([4]), silu: true };
      const y = [...ownGroupNorm(tf.tensor(x), norm).dataSync()];
      expect(y.map((value, i) => Number.isNaN(value) === (i < 16 && i % 4 < 2))).toEqual(
        Array(32).fill(true),
      );
    });
  });

  it('does what it does under a tape, where TensorFlow computes it', () => {
    tf.tidy(() => {
      const x = noise('x', [3, 6, 4, 24]) as tf.Tensor4D;
      const { groups, epsilon, gamma, beta, ...tables } = normOf(3, 24, 6);
      const [added, scale, shift] = [tables.added, tables.scale, tables.shift].map(
        (table) => tf.reshape(table, [3, 1, 1, 24]) as tf.Tensor4D,
      ) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      const modulations: Modulation[] = [{ activation: 'silu' }, { added, scale, shift, activation: 'silu' }];
      for (const modulation of modulations) {
        const f = (at: tf.Tensor) =>
          modulatedGroupNorm(
            at as tf.Tensor4D,
            gamma as tf.Tensor1D,
            beta as tf.Tensor1D,
            { groups, epsilon },
            modulation,
          );
        let taped = x;
        tf.grad((at: tf.Tensor) => {
          taped = tf.keep(f(at));
          return tf.sum(taped);
        })(x);
        expect(worstError(f(x), Float64Array.from(taped.dataSync()))).toBeLessThan(TOLERANCE);
        taped.dispose();
      }
    });
  });

  it.each([
    [[2, 4, 4], 4, {}, 'expected images [batch, height, width, channels] whose channels the groups divide'],
    [
      [2, 4, 4, 6],
      4,
      {},
      'expected images [batch, height, width, channels] whose channels the groups divide',
    ],
    [
      [2, 4, 4, 6],
      0,
      {},
      'expected images [batch, height, width, channels] whose channels the groups divide',
    ],
    [[2, 4, 4, 6], 2, { gamma: [5] }, 'expected 6 values of gamma, found 5'],
    [[2, 4, 4, 6], 2, { beta: [7] }, 'expected 6 values of beta, found 7'],
    [[2, 4, 4, 6], 2, { added: [6] }, 'expected 12 values of added, found 6'],
    [[2, 4, 4, 6], 2, { scale: [6] }, 'expected 12 values of scale, found 6'],
    [[2, 4, 4, 6], 2, { shift: [6] }, 'expected 12 values of shift, found 6'],
  ])('refuses %j in %i groups with %j', (shape, groups, wrong, message) => {
    const others = zerosOf(wrong);
    const norm = { groups, epsilon: 1e-5, gamma: tf.ones([6]), beta: tf.zeros([6]), ...others };
    expect(() => ownGroupNorm(tf.zeros(shape), norm)).toThrow(`PagGroupNorm: ${message}`);
  });
});
