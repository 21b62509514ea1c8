/**
 * The exact score of a mixture of Gaussians on a line in the plane, with noise added: the ground truth against
 * which learned scores are held.
 */

/** A mode: its centre on the plane and its class. */
export interface Mode {
  center: [number, number];
  label: number;
}

/** A mixture of equally likely modes, spread along one direction and exactly flat across it. */
export interface LineMixture {
  modes: Mode[];
  /** Unit vector along the line. */
  direction: [number, number];
  /** Standard deviation along the line. */
  deviation: number;
}

/**
 * ∇ log p_σ(x), with p_σ the mixture blurred by Gaussian noise of standard deviation σ.
 *
 * @param label only the modes of this class, or null for all
 */
export function mixtureScore(
  mixture: LineMixture,
  x: readonly [number, number],
  sigma: number,
  label: number | null,
): [number, number] {
  const [ux, uy] = mixture.direction;
  const along = mixture.deviation ** 2 + sigma ** 2;
  const across = sigma ** 2;
  const modes = mixture.modes.filter((mode) => label === null || mode.label === label);
  const terms = modes.map(({ center }) => {
    const dx = x[0] - center[0];
    const dy = x[1] - center[1];
    const a = dx * ux + dy * uy;
    const b = -dx * uy + dy * ux;
    // Gradient of the log density of this mode, turned back from the line's axes to the plane's.
    const score: [number, number] = [
      -(a / along) * ux + (b / across) * uy,
      -(a / along) * uy - (b / across) * ux,
    ];
    return { log: -(a * a) / (2 * along) - (b * b) / (2 * across), score };
  });
  const largest = Math.max(...terms.map((term) => term.log));
  const weights = terms.map((term) => Math.exp(term.log - largest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const mean = (axis: 0 | 1) =>
    terms.reduce((total, term, i) => total + (weights[i]! / sum) * term.score[axis], 0);
  return [mean(0), mean(1)];
}

/** s(x | label) − s(x) at noise level σ: the direction in which x becomes more like the class. */
export function mixtureScoreDifference(
  mixture: LineMixture,
  x: readonly [number, number],
  sigma: number,
  label: number,
): [number, number] {
  const conditional = mixtureScore(mixture, x, sigma, label);
  const unconditional = mixtureScore(mixture, x, sigma, null);
  return [conditional[0] - unconditional[0], conditional[1] - unconditional[1]];
}
