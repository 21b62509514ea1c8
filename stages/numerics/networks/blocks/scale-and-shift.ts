/** The learned scale and shift that every norm ends with. */
import { vectorLayout } from '../../../../store/torch-layout.ts';
import type { ParameterSpec } from '../../tensor/parameters.ts';

/** One value per channel, all the same at the start. `flattened` as in {@link scaleAndShift}. */
export function perChannel(
  name: string,
  channels: number,
  value: number,
  flattened?: readonly number[],
): ParameterSpec {
  const torch = vectorLayout(flattened);
  return { name, shape: [channels], initializer: { kind: 'constant', value }, ...(torch && { torch }) };
}

/**
 * `weight` = 1 and `bias` = 0, [channels] each.
 *
 * @param flattened the image [height, width, channels] that the channels were, where the norm follows a flattened one
 */
export function scaleAndShift(
  name: string,
  channels: number,
  flattened?: readonly number[],
): ParameterSpec[] {
  return [
    perChannel(`${name}.weight`, channels, 1, flattened),
    perChannel(`${name}.bias`, channels, 0, flattened),
  ];
}
