/** Interval of a proportion: every accuracy in the report is a count out of n and says how sure it is. */

/** 97.5 % point of the standard normal distribution. */
const Z95 = 1.959963984540054;

/** A proportion with its 95 % interval, all in [0, 1]. */
export interface Proportion {
  value: number;
  low: number;
  high: number;
}

/**
 * Wilson's score interval at 95 %, without continuity correction: right also near 0 and 1 and for small n.
 * Wilson 1927; Newcombe 1998, method 3. `successes` in [0, n], n ≥ 1.
 */
export function wilson(successes: number, n: number): Proportion {
  if (!(n >= 1 && successes >= 0 && successes <= n)) {
    throw new RangeError(`Expected 0 <= successes <= n and n >= 1, got ${successes} of ${n}.`);
  }
  const value = successes / n;
  const z2 = Z95 * Z95;
  const centre = (successes + z2 / 2) / (n + z2);
  const half = (Z95 * Math.sqrt(n * value * (1 - value) + z2 / 4)) / (n + z2);
  // At the ends rounding may leave the interval by an ulp.
  return { value, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
