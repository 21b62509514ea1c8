/** Noise drawn again and again until a draw leads astray: a baseline that follows nothing, which any attack must beat. */
import { type Attack, isLedAstray, type Problem } from './attack.ts';
import { objective } from './logit-measures.ts';
import { intoBox } from './norms.ts';

export interface NoiseOptions {
  /** How often noise is drawn. @default 100, as Foolbox's attacks with repeated noise do (Rauber et al. 2017) */
  draws?: number;
}

/**
 * Any draw that leads astray counts; without one, that which came nearest to it.
 *
 * @param draw point of ball and box; `number` counts from 1 to `draws`
 */
export const repeatedly = (
  { draws = 100 }: NoiseOptions,
  draw: (problem: Problem, number: number, draws: number) => Float32Array,
): Attack =>
  function* (problem) {
    let best: Float32Array = problem.image.slice();
    let least = Number.POSITIVE_INFINITY;
    for (let number = 1; number <= draws; number++) {
      const x = draw(problem, number, draws);
      const { logits } = yield { x, loss: null };
      if (isLedAstray(logits, problem)) return { x, isAdversarial: true };
      const value = objective(logits, problem);
      if (value < least) [best, least] = [x, value];
    }
    return { x: best, isAdversarial: false };
  };

/** The image and noise, which is given length ε before both are clipped to the box. */
export function addScaled({ image, norm, eps, box }: Problem, noise: Float32Array): Float32Array {
  const length = norm.distance(new Float32Array(noise.length), noise);
  // Without noise there is no direction.
  const factor = length === 0 ? 0 : eps / length;
  return intoBox(
    image.map((value, i) => value + noise[i]! * factor),
    box,
  );
}
