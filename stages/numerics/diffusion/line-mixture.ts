/** The toy set's distribution and its exact score: Gaussians on a line in the plane, exactly flat across it. */
import { gaussianScore } from './gaussian-mixture.ts';

/** A mode: its centre on the plane and its class. */
export interface Mode {
  center: [number, number];
  label: number;
}

/** A mixture of equally likely modes, spread along one direction. */
export interface LineMixture {
  modes: Mode[];
  /** Unit vector along the line. */
  direction: [number, number];
  /** Standard deviation along the line. */
  deviation: number;
}

/** As {@link gaussianScore}. */
export function mixtureScore(
  { modes, direction, deviation }: LineMixture,
  x: readonly [number, number],
  sigma: number,
  label: number | null,
): [number, number] {
  const along = direction.map((value) => value * deviation);
  const gaussians = modes.map((mode) => ({
    label: mode.label,
    mean: mode.center,
    spread: 0,
    factors: [along],
  }));
  const [first, second] = gaussianScore(gaussians, x, sigma, label);
  return [first!, second!];
}
