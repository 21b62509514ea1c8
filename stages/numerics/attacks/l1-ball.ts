/**
 * The exact projection onto the intersection of an L1 ball and a box (Croce and Hein 2021, proposition 2.1): every
 * coordinate of the perturbation v gives up the same amount α of its length, at least as much as the box takes from it
 * and at most all it has. α is the root of a falling function made of straight pieces, found by Newton's method inside
 * a bracket, which ends on the piece of the root.
 */

/** Newton needs about ten; bisection alone would need as many as a double has bits. */
const MOST_TRIALS = 100;

/** Share of ε by which the length may be wrong: of no account to points of 32 bits. */
const ROUNDING = 1e-12;

/**
 * Moves x to the nearest point, in the Euclidean sense, of ball and box.
 *
 * @param x [size], overwritten
 * @param image centre of the ball, inside the box, [size]
 */
export function projectOntoL1Ball(
  x: Float32Array,
  image: Float32Array,
  eps: number,
  box: readonly [number, number] | null,
): Float32Array {
  const [low, high] = box ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const shortening = shorteningOf(x, image, eps, low, high);
  for (let i = 0; i < x.length; i++) {
    const center = image[i]!;
    const value = shortening === 0 ? x[i]! : center + shrink(x[i]! - center, shortening);
    x[i] = Math.max(low, Math.min(value, high));
  }
  return x;
}

/** v, shorter by α, and 0 where it was not longer. */
const shrink = (v: number, alpha: number) => Math.sign(v) * Math.max(Math.abs(v) - alpha, 0);

/** Largest length of a coordinate of x − image. */
function longest(x: Float32Array, image: Float32Array): number {
  let length = 0;
  for (let i = 0; i < x.length; i++) length = Math.max(length, Math.abs(x[i]! - image[i]!));
  return length;
}

/** α; 0 where the box alone brings the point into the ball. */
function shorteningOf(x: Float32Array, image: Float32Array, eps: number, low: number, high: number): number {
  let below = 0;
  // No coordinate is longer than this.
  let above = longest(x, image);
  let alpha = 0;
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    let length = 0;
    let slope = 0;
    for (let i = 0; i < x.length; i++) {
      const v = x[i]! - image[i]!;
      const rest = Math.abs(v) - alpha;
      if (rest <= 0) continue;
      const room = v > 0 ? high - image[i]! : image[i]! - low;
      // Where both are equal, α ends the coordinate as soon as it grows.
      if (rest <= room) slope += 1;
      length += Math.min(rest, room);
    }
    const excess = length - eps;
    if (trial === 0 && excess <= 0) return 0;
    if (Math.abs(excess) <= ROUNDING * eps) break;
    if (excess > 0) below = alpha;
    else above = alpha;
    const newton = alpha + excess / slope;
    alpha = newton > below && newton < above ? newton : (below + above) / 2;
  }
  return alpha;
}
