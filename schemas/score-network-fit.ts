/** Whether a score network takes the images of a data set: arithmetic on shapes, before anything runs. */
import type { ScoreNetworkConfig } from './network-config.ts';
import type { Misfit, Shape } from './network-fit.ts';

/** A side in pixels must be a multiple of this. */
function sideUnit(config: Exclude<ScoreNetworkConfig, { kind: 'mlp' }>): number {
  const patch = config.kind === 'unet' ? config.patch : 1;
  return patch * 2 ** (config.multipliers.length - 1);
}

/**
 * The first thing that does not fit, or null.
 *
 * @param shape of one input: [height, width, channels] of an image, [length] of a point
 */
export function scoreNetworkMisfit(config: ScoreNetworkConfig, shape: Shape): Misfit | null {
  if (config.kind === 'mlp') return null;
  if (shape.length !== 3) {
    return { path: ['kind'], expected: 'mlp, because the data are points', found: config.kind };
  }
  const [height, width] = shape as [number, number];
  if (config.kind !== 'unet' && height !== width) {
    const expected = `unet or mlp, because images of ${height} × ${width} are not square`;
    return { path: ['kind'], expected, found: config.kind };
  }
  const side = [height, width].find((each) => each % sideUnit(config) !== 0);
  if (side === undefined) return null;
  const patches = config.kind === 'unet' && config.patch > 1 ? ` in patches of ${config.patch} pixels` : '';
  return {
    path: ['multipliers'],
    expected: `so few resolutions that a side of ${side} pixels${patches} can be halved between them`,
    found: `${config.multipliers.length}`,
  };
}
