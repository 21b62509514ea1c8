/** Doubts about the classifier, which is looked at before it is attacked. */
import type { AttackSetting } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Oracle } from '../../numerics/attacks/oracle.ts';

/** A classifier and images to try it on. */
export interface Victim {
  oracle: Oracle;
  /** Each [size]; a hundred are enough, and all that are given are looked at. */
  images: readonly Float32Array[];
  /** True classes. */
  labels: ArrayLike<number>;
  box: readonly [number, number] | null;
  /** What a randomised classifier does to its input, in place; `draw` numbers the times that it is asked. */
  disturb?(x: Float32Array, image: number, draw: number): void;
}

/** @param settings the attacks to come: some doubts are about them */
export function victimDoubts(_victim: Victim, _settings: readonly AttackSetting[]): Doubt[] {
  return [];
}
