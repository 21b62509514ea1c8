/** Score-based targets by the exact score of the toy mixture. */
import type { Dataset } from '../../store/dataset-artifact.ts';
import { analyticTarget } from '../numerics/diffusion/analytic-target.ts';
import type { LineMixture } from '../numerics/diffusion/line-mixture.ts';
import { drawsText, type ScoreTarget } from '../numerics/diffusion/score-target.ts';
import type { TargetMaker } from './target-maker.ts';

/** @param target noise levels are in raw coordinates */
export function analyticScore(dataset: Dataset, mixture: LineMixture, target: ScoreTarget): TargetMaker {
  const { size, train } = dataset;
  return {
    description: `analytic score difference at sigma ${target.sigmas.join(', ')}, ${drawsText(target)}`,
    async compute({ first, count, classes, onImage }) {
      const out = new Float32Array(classes.length * size);
      const targets = classes.length / count;
      for (let i = 0; i < count; i++) {
        const point = train.slice(first + i, 1);
        for (let k = 0; k < targets; k++) {
          const row = i * targets + k;
          out.set(analyticTarget(mixture, point, first + i, classes[row]!, target), row * size);
        }
      }
      await onImage(count);
      return out;
    },
  };
}
