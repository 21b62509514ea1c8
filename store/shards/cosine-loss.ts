/** How far two gradients point in different directions: training uses nothing else of them. */

/**
 * 1 − cos of the angle between two vectors of finite values, from 0 to 2. 0 where both are zero, 1 where one is.
 * By 2|a||b| (1 − cos) = |b − a|² − (|b| − |a|)², which keeps its digits where cos is all but 1.
 */
export function cosineLoss(a: Float32Array, b: Float32Array): number {
  let aSquare = 0;
  let bSquare = 0;
  let differenceSquare = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    aSquare += x * x;
    bSquare += y * y;
    differenceSquare += (y - x) * (y - x);
  }
  if (aSquare === 0 || bSquare === 0) return aSquare === bSquare ? 0 : 1;
  const [aNorm, bNorm] = [Math.sqrt(aSquare), Math.sqrt(bSquare)];
  return Math.max(0, (differenceSquare - (bNorm - aNorm) ** 2) / (2 * aNorm * bNorm));
}
