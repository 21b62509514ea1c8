/** The exact target gradient of a toy point: the mixture's score difference, averaged over noise draws. */
import { type LineMixture, mixtureScoreDifference } from './gaussian-mixture.ts';
import { addNoise, type NoiseSettings } from './noise.ts';

/**
 * Mean over draws of s(x_σ | label) − s(x_σ), with the noise that a learned score would see.
 *
 * @param point [x₁, x₂], raw coordinates
 * @param image index of the point, which names its noise
 */
export function noisyDifference(
  mixture: LineMixture,
  point: Float32Array,
  image: number,
  label: number,
  noise: NoiseSettings,
): [number, number] {
  const mean: [number, number] = [0, 0];
  for (let draw = 0; draw < noise.draws; draw++) {
    const noisy = point.slice();
    addNoise(noisy, noise, image, draw);
    const difference = mixtureScoreDifference(mixture, [noisy[0]!, noisy[1]!], noise.sigma, label);
    mean[0] += difference[0] / noise.draws;
    mean[1] += difference[1] / noise.draws;
  }
  return mean;
}
