/** What the noise methods show the network: its statistics, and what it depends on. */
import { describe, expect, it } from 'vitest';
import { makeMethod } from '../../../../stages/train/methods/registry.ts';
import { tf } from '../../../support/engine.ts';
import { configOf } from '../../../support/stage-context.ts';
import { stepBatchOf } from './support.ts';

const SIZE = 400;
const images = Array.from({ length: 50 }, (_, i) => i);
const flat = (value: number) => () => new Float32Array(SIZE).fill(value);

function inputs(method: string, sigma: number, batch: ReturnType<typeof stepBatchOf>): Float32Array {
  const { train } = configOf({ train: { method, noise: { sigma } } });
  const network = () => {
    throw new Error('noise does not ask the network');
  };
  return tf.tidy(() => makeMethod(train).inputs!(batch, network).dataSync()) as Float32Array;
}

describe.each(['gaussian-noise', 'randomized-smoothing'])('%s', (method) => {
  it('adds normal noise of deviation σ', () => {
    const values = inputs(method, 0.25, stepBatchOf(images, flat(0.5))).map((value) => (value - 0.5) / 0.25);
    const n = values.length;
    const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / n;
    // Six standard errors of each moment of n normal numbers.
    expect(Math.abs(moment(1))).toBeLessThan(6 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(6 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(6 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(6 * Math.sqrt(96 / n));
  });

  it('depends on seed, step and image alone', () => {
    const noise = (chosen: number[], rest = {}) => inputs(method, 1, stepBatchOf(chosen, flat(0), rest));
    const alone = noise([7]);
    expect(noise([3, 7, 9]).subarray(SIZE, 2 * SIZE)).toEqual(alone);
    for (const other of [noise([8]), noise([7], { step: 2 }), noise([7], { seed: 1 })]) {
      const correlation = other.reduce((sum, value, j) => sum + value * alone[j]!, 0) / SIZE;
      expect(Math.abs(correlation)).toBeLessThan(6 / Math.sqrt(SIZE));
    }
  });
});

it('gaussian-noise stays in the range of images; randomized-smoothing does not, for its certificate', () => {
  const batch = () => stepBatchOf(images, flat(0), { box: [0, 1] });
  const clipped = inputs('gaussian-noise', 0.5, batch());
  const free = inputs('randomized-smoothing', 0.5, batch());
  expect(clipped).toEqual(free.map((value) => Math.min(1, Math.max(0, value))));
  expect(free.filter((value) => value < 0).length).toBeGreaterThan(0.4 * free.length);
});
