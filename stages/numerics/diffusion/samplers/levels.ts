/** The noise levels of a sampler. */

/** Levels crowd at small noise the more, the larger it is (Karras et al. 2022, section 3). */
const RHO = 7;

/**
 * Karras et al. 2022, eq. 5: from the largest level to the least, evenly in σ^(1/ρ), then 0.
 *
 * @param round to a level that the model knows; levels that become one are taken once
 * @returns falling, `steps` + 1 values or fewer
 */
export function samplingLevels(
  steps: number,
  [least, largest]: readonly [number, number],
  round: (sigma: number) => number = (sigma) => sigma,
): number[] {
  const [from, to] = [largest ** (1 / RHO), least ** (1 / RHO)];
  const levels = Array.from({ length: steps }, (_, i) =>
    round((from + (i / Math.max(1, steps - 1)) * (to - from)) ** RHO),
  );
  return [...new Set(levels), 0];
}
