/** The noise under which target gradients are taken: a function of (seed, image, draw) alone. */
import { randomStream } from '../tensor/random.ts';

export interface NoiseSettings {
  /** Standard deviation, in the units of the values it is added to. */
  sigma: number;
  /** Draws over which a gradient is averaged. */
  draws: number;
  seed: number;
}

/** Adds the noise of one image and draw, in place. */
export function addNoise(
  values: Float32Array,
  { sigma, seed }: NoiseSettings,
  image: number,
  draw: number,
): void {
  const random = randomStream(seed, 'precompute-noise', image, draw);
  for (let j = 0; j < values.length; j++) values[j] = values[j]! + sigma * random.normal();
}
