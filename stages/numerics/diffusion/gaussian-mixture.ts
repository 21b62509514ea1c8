/** The exact score of a mixture of Gaussians with noise added: the ground truth against which learned scores are held. */

/** One Gaussian. Its covariance is spread²·I + Σ f fᵀ over its factors: isotropic, of low rank, or full. */
export interface GaussianMode {
  label: number;
  /** [dimensions] */
  mean: ArrayLike<number>;
  /** Standard deviation in all directions; 0 where the factors say everything. */
  spread: number;
  /** [dimensions] each; columns of a Cholesky factor give any covariance. */
  factors: readonly ArrayLike<number>[];
  /** Share of the mixture, up to a common factor. @default 1 */
  weight?: number;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** Lower triangle L with L Lᵀ = matrix, a symmetric positive definite one. */
function cholesky(matrix: readonly Float64Array[]): Float64Array[] {
  const lower = matrix.map((row) => new Float64Array(row.length));
  for (const [i, row] of matrix.entries()) {
    for (let j = 0; j <= i; j++) {
      const rest = row[j]! - dot(lower[i]!.subarray(0, j), lower[j]!.subarray(0, j));
      lower[i]![j] = i === j ? Math.sqrt(rest) : rest / lower[j]![j]!;
    }
  }
  return lower;
}

/** y with L Lᵀ y = right. */
function solve(lower: readonly Float64Array[], right: Float64Array): Float64Array {
  const y = right.slice();
  for (let i = 0; i < y.length; i++) {
    y[i] = (y[i]! - dot(lower[i]!.subarray(0, i), y.subarray(0, i))) / lower[i]![i]!;
  }
  for (let i = y.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < y.length; k++) y[i] = y[i]! - lower[k]![i]! * y[k]!;
    y[i] = y[i]! / lower[i]![i]!;
  }
  return y;
}

/**
 * Log of weight and density of one mode at noise level σ, but for a constant that all modes share, and the density's
 * log gradient −C⁻¹(x − mean). With τ = spread² + σ² and F the factors, C = τI + F Fᵀ is inverted by Woodbury's
 * identity, C⁻¹v = (v − F(τI + FᵀF)⁻¹Fᵀv) / τ, so only a matrix of the factors' number is factorised.
 */
function atMode(
  { mean, spread, factors, weight = 1 }: GaussianMode,
  x: ArrayLike<number>,
  sigma: number,
): { log: number; score: Float64Array } {
  const tau = spread ** 2 + sigma ** 2;
  const away = Float64Array.from(x, (value, i) => value - mean[i]!);
  const small = cholesky(
    factors.map((f, i) => Float64Array.from(factors, (g, j) => dot(f, g) + (i === j ? tau : 0))),
  );
  const coefficients = solve(
    small,
    Float64Array.from(factors, (f) => dot(f, away)),
  );
  const score = away.map((value, i) => {
    const within = factors.reduce((sum, f, k) => sum + f[i]! * coefficients[k]!, 0);
    return -(value - within) / tau;
  });
  // ln det C, by the determinant lemma.
  const logDet =
    (away.length - factors.length) * Math.log(tau) +
    small.reduce((sum, row, i) => sum + 2 * Math.log(row[i]!), 0);
  return { log: Math.log(weight) - (logDet - dot(away, score)) / 2, score };
}

/**
 * ∇ log p_σ(x), with p_σ the mixture blurred by Gaussian noise of standard deviation σ.
 *
 * @param x [dimensions]
 * @param label only the modes of this class, or null for all
 * @returns [dimensions]
 */
export function gaussianScore(
  mixture: readonly GaussianMode[],
  x: ArrayLike<number>,
  sigma: number,
  label: number | null,
): Float64Array {
  const modes = mixture.filter((mode) => label === null || mode.label === label);
  const terms = modes.map((mode) => atMode(mode, x, sigma));
  const largest = Math.max(...terms.map((term) => term.log));
  const shares = terms.map((term) => Math.exp(term.log - largest));
  const sum = shares.reduce((total, share) => total + share, 0);
  return Float64Array.from(x, (_, i) =>
    terms.reduce((total, { score }, k) => total + (shares[k]! / sum) * score[i]!, 0),
  );
}

/** The denoiser that has this score: D(x; σ) = x + σ² ∇ log p_σ(x), the mean of the clean data given x (Tweedie). */
export function gaussianDenoiser(
  mixture: readonly GaussianMode[],
  x: ArrayLike<number>,
  sigma: number,
  label: number | null,
): Float64Array {
  return gaussianScore(mixture, x, sigma, label).map((value, i) => x[i]! + sigma ** 2 * value);
}
