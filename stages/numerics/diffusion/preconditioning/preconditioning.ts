/**
 * What makes a denoiser D of a network F (Karras et al. 2022, eq. 7):
 * D(x; σ) = c_skip·x + c_out·F(c_in·x; c_noise). All kinds of score models differ in these numbers alone.
 */

/** The numbers at one noise level. */
export interface Coefficients {
  cSkip: number;
  cOut: number;
  cIn: number;
  cNoise: number;
}

export interface Preconditioning {
  at(sigma: number): Coefficients;
  /** Weight of ‖D − y‖² in the loss that the network is trained by. */
  lossWeight(sigma: number): number;
  /** The nearest noise level that the network has been trained at. */
  round(sigma: number): number;
  /** Noise levels between which samples are drawn: the least above 0, and the largest. */
  range: readonly [number, number];
  /** Whether the network's output has twice the channels, of which the first half counts. */
  learnsVariance: boolean;
}
