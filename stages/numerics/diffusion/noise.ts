/** The noise under which target gradients are taken: a function of (seed, image, draw, level) alone. */
import { randomStream } from '../tensor/random.ts';

/** One draw of noise for one image. */
export interface NoiseDraw {
  /** Standard deviation, in the units of the values it is added to. */
  sigma: number;
  seed: number;
  image: number;
  draw: number;
  /** Place of σ among the levels. */
  level: number;
}

/** Adds the noise of one image and draw, in place. */
export function addNoise(values: Float32Array, { sigma, seed, image, draw, level }: NoiseDraw): void {
  // The first level bears the name that it had when there was only one.
  const random = randomStream(seed, 'precompute-noise', image, draw, ...(level === 0 ? [] : [level]));
  for (let j = 0; j < values.length; j++) values[j] = values[j]! + sigma * random.normal();
}
