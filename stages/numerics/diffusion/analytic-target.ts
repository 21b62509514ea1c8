/** The exact target gradient of a toy point: that of a learned score, with the mixture's in its place. */
import { type LineMixture, mixtureScore } from './line-mixture.ts';
import { addNoise } from './noise.ts';
import { addLevel, type ScoreTarget, scoreWeights } from './score-target.ts';

/**
 * With the noise that a learned score would see.
 *
 * @param point [x₁, x₂], raw coordinates, as are the noise levels
 * @param image index of the point, which names its noise
 */
export function analyticTarget(
  mixture: LineMixture,
  point: Float32Array,
  image: number,
  label: number,
  target: ScoreTarget,
): Float64Array {
  const out = new Float64Array(2);
  const weights = scoreWeights(target);
  const { sigmas, draws, seed } = target;
  sigmas.forEach((sigma, level) => {
    const mean = new Float64Array(2);
    for (let draw = 0; draw < draws; draw++) {
      const noisy = point.slice();
      addNoise(noisy, { sigma, seed, image, draw, level });
      const at = [noisy[0]!, noisy[1]!] as const;
      const conditional = mixtureScore(mixture, at, sigma, label);
      const unconditional = mixtureScore(mixture, at, sigma, null);
      for (const axis of [0, 1] as const) {
        mean[axis]! +=
          (weights.conditional * conditional[axis] + weights.unconditional * unconditional[axis]) / draws;
      }
    }
    addLevel(target, level, mean, out);
  });
  return out;
}
