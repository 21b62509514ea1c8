/** Gaussian noise of length ε in the norm of the threat model, drawn repeatedly (Rauber et al. 2017, Foolbox). */
import { addScaled, type NoiseOptions, repeatedly } from './repeated-noise.ts';

/** In L2 its direction is evenly distributed over all; in L∞ its largest value is ε. */
export const gaussianNoise = (options: NoiseOptions = {}) =>
  repeatedly(options, (problem) =>
    addScaled(problem, problem.random.fillNormal(new Float32Array(problem.image.length))),
  );
