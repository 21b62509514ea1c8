/** The learned scale and shift that every norm ends with. */
import type { ParameterSpec } from '../../tensor/parameters.ts';

/** `weight` = 1 and `bias` = 0, [channels] each. */
export function scaleAndShift(name: string, channels: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [channels], initializer: { kind: 'constant', value: 1 } },
    { name: `${name}.bias`, shape: [channels], initializer: { kind: 'constant', value: 0 } },
  ];
}
