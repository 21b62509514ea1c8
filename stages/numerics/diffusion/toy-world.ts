/** The toy set as a distribution: modes that alternate between two classes along a line through the origin. */
import type { ExperimentConfig } from '../../../schemas/config.ts';
import type { LineMixture } from './line-mixture.ts';

/** The mixture from which the points are drawn. Modes are centred around the origin, class 0 first. */
export function toyMixture(geometry: ExperimentConfig['dataset']['geometry']): LineMixture {
  const length = Math.hypot(1, geometry.slope);
  const direction: [number, number] = [1 / length, geometry.slope / length];
  const count = 2 * geometry.modesPerClass;
  const modes = Array.from({ length: count }, (_, i) => {
    const along = (i - (count - 1) / 2) * geometry.spacing;
    return { center: [along * direction[0], along * direction[1]] as [number, number], label: i % 2 };
  });
  return { modes, direction, deviation: geometry.deviation };
}
