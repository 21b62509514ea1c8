import { describe, expect, it } from 'vitest';
import { wilson } from '../../../stages/numerics/analyses/wilson.ts';

describe('Wilson interval', () => {
  // Newcombe 1998, Statistics in Medicine 17, 857–872, table I, method 3 (score, no continuity correction).
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %i in %i is the published one', (successes, n, low, high) => {
    const interval = wilson(successes, n);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  it('mirrors when successes and failures change places', () => {
    const interval = wilson(3, 17);
    const mirrored = wilson(14, 17);
    expect(mirrored.low).toBeCloseTo(1 - interval.high, 14);
    expect(mirrored.high).toBeCloseTo(1 - interval.low, 14);
  });

  it('stays in [0, 1] at both ends', () => {
    expect(wilson(0, 1)).toMatchObject({ value: 0, low: 0 });
    expect(wilson(7, 7)).toMatchObject({ value: 1, high: 1 });
  });

  it('refuses what is no count out of n', () => {
    const message = (successes: number, n: number) =>
      `Expected 0 <= successes <= n and n >= 1, got ${successes} of ${n}.`;
    expect(() => wilson(5, 4)).toThrow(new RangeError(message(5, 4)));
    expect(() => wilson(0, 0)).toThrow(new RangeError(message(0, 0)));
    expect(() => wilson(Number.NaN, 4)).toThrow(new RangeError(message(Number.NaN, 4)));
  });
});
