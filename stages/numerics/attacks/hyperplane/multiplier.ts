/**
 * The λ ≥ 0 with Σ gain · min(λ, cap) = total, by Newton's method from 0. The sum is concave and made of straight
 * pieces, so the trials rise from piece to piece, and the last one is exact: two to five times n operations, nothing to
 * sort.
 *
 * @param caps, gains finite and not negative, [size] each
 * @returns the largest number there is where all caps together do not make the total; 0 where there is nothing to gain
 */
export function findMultiplier(caps: Float64Array, gains: Float64Array, total: number): number {
  let lambda = 0;
  for (;;) {
    // Of the terms that are below their cap, and what the others bring.
    let slope = 0;
    let brought = 0;
    for (let j = 0; j < caps.length; j++) {
      const cap = caps[j]!;
      const gain = gains[j]!;
      const open = gain * +(cap > lambda);
      slope += open;
      brought += (gain - open) * cap;
    }
    if (slope === 0) return brought === 0 ? 0 : Number.MAX_VALUE;
    const next = (total - brought) / slope;
    if (!(next > lambda)) return lambda;
    lambda = next;
  }
}
