/**
 * Prediction and certificate of the smoothed classifier g(x) = the class that f names most often for x + N(0, σ²I)
 * (Cohen et al. 2019, algorithms in section 3.2). Draw j of an image depends on (seed, image, j) alone.
 */
import { ndtri } from 'cephes';
import { sizeOf } from '../../../schemas/shape.ts';
import type { LogitsOf } from '../attacks/oracle.ts';
import type { RandomStream } from '../tensor/random.ts';
import { tf } from '../tensor/tf.ts';
import { lowerBound } from './clopper-pearson.ts';

/** Answer of a smoothed classifier that does not know. */
export const ABSTAIN = -1;

/** The classifier f under noise. */
export interface Smoothed {
  logitsOf: LogitsOf;
  classes: number;
  /** Shape of one image. */
  shape: readonly number[];
  /** In the data's units. */
  sigma: number;
  /** Noisy images at a time; does not change the noise. */
  batchSize: number;
}

/** One image, [size], and the random numbers of its draws. */
export interface SmoothedPoint {
  image: Float32Array;
  randomOf(draw: number): RandomStream;
}

/** What is known about an image with probability 1 − α. */
export interface Certificate {
  /** Class, or {@link ABSTAIN}. */
  prediction: number;
  /** g gives that class within this L2 distance, in the data's units; 0 after abstaining. */
  radius: number;
  /** Lower bound of the probability of the class that was tried. */
  pLower: number;
}

/** Classes that f names for the draws `first` … `first + draws − 1` of a point, [draws]. */
function classesUnderNoise(
  { logitsOf, shape, sigma }: Smoothed,
  { image, randomOf }: SmoothedPoint,
  first: number,
  draws: number,
): ArrayLike<number> {
  const size = sizeOf(shape);
  const noisy = new Float32Array(draws * size);
  for (let i = 0; i < draws; i++) {
    const draw = randomOf(first + i).fillNormal(noisy.subarray(i * size, (i + 1) * size));
    for (let j = 0; j < size; j++) draw[j] = image[j]! + sigma * draw[j]!;
  }
  return tf.tidy(() => tf.argMax(logitsOf(tf.tensor(noisy, [draws, ...shape])), 1).dataSync());
}

/**
 * SAMPLEUNDERNOISE: how often f names each class among the draws `first` … `first + draws − 1`.
 *
 * @param betweenBatches lets others work, and may throw to stop
 * @returns [classes]
 */
export async function countClasses(
  smoothed: Smoothed,
  point: SmoothedPoint,
  first: number,
  draws: number,
  betweenBatches: () => Promise<void>,
): Promise<Uint32Array> {
  const counts = new Uint32Array(smoothed.classes);
  for (let done = 0; done < draws; done += smoothed.batchSize) {
    const n = Math.min(smoothed.batchSize, draws - done);
    for (const label of Array.from(classesUnderNoise(smoothed, point, first + done, n))) counts[label]! += 1;
    await betweenBatches();
  }
  return counts;
}

/** The class counted most often; the first of several. */
function topClass(counts: Uint32Array): number {
  return counts.indexOf(Math.max(...counts));
}

/**
 * PREDICT: the class of g, or {@link ABSTAIN}; another class than g's with probability α at most.
 *
 * @param counts of the draws, [classes]
 */
export function predictSmoothed(counts: Uint32Array, alpha: number): number {
  const top = topClass(counts);
  const second = Math.max(...counts.map((count, label) => (label === top ? 0 : count)));
  // Two-sided test of counts as even as nA and nB under p = ½: it rejects where the bound at α / 2 has passed ½.
  return lowerBound(counts[top]!, counts[top]! + second, alpha / 2) >= 0.5 ? top : ABSTAIN;
}

/**
 * CERTIFY: n0 draws choose a class, n others bound its probability from below by p; the radius is σ Φ⁻¹(p).
 *
 * @param chosen counts of the n0 draws, [classes]
 * @param counts of the n draws, [classes]
 */
export function certify(
  chosen: Uint32Array,
  counts: Uint32Array,
  { sigma, alpha }: { sigma: number; alpha: number },
): Certificate {
  const top = topClass(chosen);
  const draws = counts.reduce((sum, count) => sum + count, 0);
  const pLower = lowerBound(counts[top]!, draws, alpha);
  if (pLower <= 0.5) return { prediction: ABSTAIN, radius: 0, pLower };
  return { prediction: top, radius: sigma * ndtri(pLower), pLower };
}
