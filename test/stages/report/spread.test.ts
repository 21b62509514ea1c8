import { describe, expect, it } from 'vitest';
import { spread } from '../../../stages/report/spread.ts';

describe('spread', () => {
  it('leaves labels that do not touch where they are', () => {
    expect(spread([80, 10, 40], 13, 0, 100)).toEqual([80, 10, 40]);
  });

  it('moves two that meet apart by the same amount', () => {
    expect(spread([50, 50], 10, 0, 100)).toEqual([45, 55]);
  });

  it('keeps the order and the pitch of a crowd, and stays inside', () => {
    const wanted = [99, 98, 97, 20, 96];
    const places = spread(wanted, 13, 0, 100);
    const sorted = [...places].sort((a, b) => a - b);
    expect(places.map((place) => sorted.indexOf(place))).toEqual([4, 3, 2, 0, 1]);
    for (let i = 1; i < sorted.length; i++)
      expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThanOrEqual(13 - 1e-9);
    expect(sorted.at(-1)).toBeLessThanOrEqual(100);
    expect(places[3]).toBe(20);
  });

  it('begins at the low end where there is no room for all', () => {
    expect(spread([5, 5, 5], 10, 0, 15)).toEqual([0, 10, 20]);
  });
});
