import { describe, expect, it } from 'vitest';
import { type LineMixture, mixtureScore } from '../../../stages/numerics/diffusion/line-mixture.ts';
import { toyMixture } from '../../../stages/numerics/diffusion/toy-world.ts';

const geometry = {
  pointsPerMode: 10,
  modesPerClass: 3,
  slope: 2,
  spacing: 8,
  deviation: 1.5,
  testPoints: 10,
};
const mixture = toyMixture(geometry);

/** ln p_σ(x) written out from the definition: full covariance matrices, inverted by hand. */
function logDensity(
  { modes, direction, deviation }: LineMixture,
  x: number[],
  sigma: number,
  label: number | null,
) {
  const [ux, uy] = direction;
  const d2 = deviation ** 2;
  const a = sigma ** 2 + d2 * ux * ux;
  const b = d2 * ux * uy;
  const c = sigma ** 2 + d2 * uy * uy;
  const determinant = a * c - b * b;
  const chosen = modes.filter((mode) => label === null || mode.label === label);
  const densities = chosen.map(({ center }) => {
    const dx = x[0]! - center[0];
    const dy = x[1]! - center[1];
    const quadratic = (c * dx * dx - 2 * b * dx * dy + a * dy * dy) / determinant;
    return Math.exp(-quadratic / 2) / (2 * Math.PI * Math.sqrt(determinant));
  });
  return Math.log(densities.reduce((sum, density) => sum + density, 0) / chosen.length);
}

describe('the analytic score', () => {
  it.each([0, 1, null])('is the gradient of the log density, by finite differences (class %s)', (label) => {
    const h = 1e-5;
    for (const x of [
      [0.3, -2],
      [6, 9],
      [-4, -11],
      [1, 1.4],
    ]) {
      const slope = [0, 1].map((axis) => {
        const at = (side: number) =>
          logDensity(
            mixture,
            x.map((v, i) => v + (i === axis ? side * h : 0)),
            3,
            label,
          );
        return (at(1) - at(-1)) / (2 * h);
      });
      const found = mixtureScore(mixture, [x[0]!, x[1]!], 3, label);
      expect(found[0]).toBeCloseTo(slope[0]!, 6);
      expect(found[1]).toBeCloseTo(slope[1]!, 6);
    }
  });

  it('stays finite far from every mode, where all densities underflow', () => {
    expect(mixtureScore(mixture, [1e4, -1e4], 1, 0).every(Number.isFinite)).toBe(true);
  });

  it('points from a mode of one class to a neighbour of the other', () => {
    const own = mixture.modes[2]!;
    const conditional = mixtureScore(mixture, own.center, 6, 1 - own.label);
    const unconditional = mixtureScore(mixture, own.center, 6, null);
    const [dx, dy] = [conditional[0] - unconditional[0], conditional[1] - unconditional[1]];
    const along = dx * mixture.direction[0] + dy * mixture.direction[1];
    const across = -dx * mixture.direction[1] + dy * mixture.direction[0];
    expect(Math.abs(along)).toBeGreaterThan(0);
    expect(Math.abs(across)).toBeLessThan(1e-12);
  });

  it('alternates the classes along the line, evenly spaced', () => {
    expect(mixture.modes.map((mode) => mode.label)).toEqual([0, 1, 0, 1, 0, 1]);
    for (let i = 1; i < 6; i++) {
      const [a, b] = [mixture.modes[i - 1]!.center, mixture.modes[i]!.center];
      expect(Math.hypot(b[0] - a[0], b[1] - a[1])).toBeCloseTo(8, 12);
      expect(b[1]).toBeCloseTo(2 * b[0], 12);
    }
  });
});
