/** Noise whose values are evenly distributed around 0, drawn repeatedly (Rauber et al. 2017, Foolbox). */
import { addScaled, type NoiseOptions, repeatedly } from './repeated-noise.ts';

/** Of length ε in the norm of the threat model: in L∞ its largest value is ε. */
export const uniformNoise = (options: NoiseOptions = {}) =>
  repeatedly(options, (problem) =>
    addScaled(
      problem,
      problem.image.map(() => 2 * problem.random.uniform() - 1),
    ),
  );
