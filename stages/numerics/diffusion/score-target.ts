/**
 * How scores at noise levels become one target gradient. At one level it is the mean over noise draws of
 * a·s(x_σ | y) + b·s(x_σ): the difference (1, −1) of Ganz, Kawar and Elad (2023, section 4.1), or the score of
 * classifier-free guidance (w, 1 − w) of Ho and Salimans (2022, eq. 6), whose direction tends to that of the difference
 * as w grows. x_σ is the same for all classes.
 */

export interface ScoreTarget {
  /** Noise levels, in the units of the values that the noise is added to. */
  sigmas: readonly number[];
  /** Noise draws over which each level is averaged. */
  draws: number;
  seed: number;
  /** How several levels are put together. */
  combine: 'variance' | 'unit';
  /** The weight w of guidance, or the difference alone. */
  guidance: number | 'difference';
}

/** For descriptions: `1 draw`, `4 draws`. */
export const drawsText = ({ draws }: Pick<ScoreTarget, 'draws'>): string =>
  draws === 1 ? '1 draw' : `${draws} draws`;

/** a and b: what s(x_σ | y) and s(x_σ) count. */
export function scoreWeights({ guidance }: Pick<ScoreTarget, 'guidance'>): {
  conditional: number;
  unconditional: number;
} {
  if (guidance === 'difference') return { conditional: 1, unconditional: -1 };
  return { conditional: guidance, unconditional: 1 - guidance };
}

/**
 * Adds the share of one level to `out`. With one level that is its mean as it is. With several, `variance` weighs by
 * σ² / Σ σ², which makes the gradient a mean of denoised images D − x (w(t) = σ² of score distillation, Poole et al.
 * 2022); `unit` takes the mean of unit vectors, so that every level counts the same although scores shrink with σ.
 *
 * @param mean gradient at that level, [size]
 * @param out [size]
 */
export function addLevel(
  { sigmas, combine }: Pick<ScoreTarget, 'sigmas' | 'combine'>,
  level: number,
  mean: ArrayLike<number>,
  out: Float32Array | Float64Array,
): void {
  const share = shareOf(sigmas, combine, level, mean);
  for (let j = 0; j < out.length; j++) out[j] = out[j]! + share * mean[j]!;
}

function shareOf(
  sigmas: readonly number[],
  combine: ScoreTarget['combine'],
  level: number,
  mean: ArrayLike<number>,
): number {
  if (sigmas.length === 1) return 1;
  if (combine === 'unit') return inverseLength(mean) / sigmas.length;
  return sigmas[level]! ** 2 / sigmas.reduce((sum, sigma) => sum + sigma ** 2, 0);
}

/** 1 over the length; 0 for a vector of zeros, which has no direction. */
function inverseLength(vector: ArrayLike<number>): number {
  let square = 0;
  for (let j = 0; j < vector.length; j++) square += vector[j]! ** 2;
  return square === 0 ? 0 : 1 / Math.sqrt(square);
}
