import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';

const draw = (stream: { uniform(): number }, count: number) =>
  Array.from({ length: count }, () => stream.uniform());

describe('randomStream', () => {
  it('gives the same numbers for the same name and others for another', () => {
    expect(draw(randomStream(3, 'noise', 7), 5)).toEqual(draw(randomStream(3, 'noise', 7), 5));
    const names: (number | string)[][] = [
      [3, 'noise', 8],
      [4, 'noise', 7],
      [3, 'noisf', 7],
      [3, 'noise', 7, 0],
      [37, 'noise'],
    ];
    for (const name of names)
      expect(draw(randomStream(...name), 5)).not.toEqual(draw(randomStream(3, 'noise', 7), 5));
  });

  it('tells seeds apart that differ only above 32 bits', () => {
    expect(draw(randomStream(2 ** 33 + 1), 3)).not.toEqual(draw(randomStream(1), 3));
  });

  it('is uniform and normal as far as moments tell, also across neighbouring names', () => {
    const count = 40_000;
    const firsts = Array.from({ length: count }, (_, i) => randomStream(0, 'image', i).uniform());
    const mean = firsts.reduce((sum, u) => sum + u, 0) / count;
    const square = firsts.reduce((sum, u) => sum + u * u, 0) / count;
    // Five standard errors of the mean (√(1/12/n)) and of the mean square (√(4/45/n)).
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(square - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / count));
    const serial = firsts.slice(1).reduce((sum, u, i) => sum + (u - 0.5) * (firsts[i]! - 0.5), 0) / count;
    expect(Math.abs(serial)).toBeLessThan((5 / 12) * Math.sqrt(1 / count));
    const normals = randomStream(1).fillNormal(new Float32Array(count));
    const moment = (power: number) => normals.reduce((sum, z) => sum + z ** power, 0) / count;
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / count));
  });

  it('permutes: every index once, and every place equally likely', () => {
    const order = randomStream(5, 'order').permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    const firstPlaces = new Float64Array(4);
    for (let i = 0; i < 8000; i++) firstPlaces[randomStream(i).permutation(4)[0]!]! += 1;
    for (const hits of firstPlaces) expect(Math.abs(hits - 2000)).toBeLessThan(5 * Math.sqrt(1500));
  });
});
