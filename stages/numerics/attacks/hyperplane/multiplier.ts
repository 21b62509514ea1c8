/**
 * The λ ≥ 0 with Σ gain · min(λ, cap) = total, by Newton's method from 0. The sum is concave and made of straight
 * pieces, so the trials rise, and each drops the terms that have reached their cap for good: about n operations a trial,
 * a few trials, nothing to sort.
 *
 * @param caps, gains the first `count` are used, and overwritten
 * @param slope sum of the gains
 * @returns Infinity where all caps together do not make the total
 */
export function findMultiplier(
  caps: Float64Array,
  gains: Float64Array,
  count: number,
  slope: number,
  total: number,
): number {
  let open = count;
  let missing = total;
  let lambda = missing / slope;
  while (open > 0) {
    let kept = 0;
    let keptSlope = 0;
    for (let j = 0; j < open; j++) {
      const [cap, gain] = [caps[j]!, gains[j]!];
      if (cap > lambda) {
        caps[kept] = cap;
        gains[kept] = gain;
        keptSlope += gain;
        kept += 1;
      } else {
        missing -= gain * cap;
      }
    }
    if (kept === open) return lambda;
    open = kept;
    lambda = missing / keptSlope;
  }
  return Number.POSITIVE_INFINITY;
}
