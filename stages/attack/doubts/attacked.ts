/** What doubts are taken from: one attack at one ε, with what became of each image. */
import type { AttackSetting } from '../../../schemas/attack-config.ts';
import type { AttackResult } from '../../../schemas/attack-results.ts';
import type { Outcome } from '../outcome.ts';

/** When images fell to one attack of a setting; a setting has several of them for auto-attack. */
export interface Fall {
  /** As in the configuration, e.g. `square`. */
  attack: string;
  /** Points at which one image is asked for at most, over all restarts; null where that is not known. */
  budget: number | null;
  /** Of each image that this attack broke, the points at which it was asked for in this attack alone. */
  queries: number[];
}

/** Adversarial points that are not what they should be, in images. */
export interface Violations {
  /** Farther from the image than ε. */
  ball: number;
  /** With a value outside the box. */
  box: number;
  /** With a value that is not a finite number. */
  nan: number;
}

export interface Attacked {
  setting: AttackSetting;
  result: AttackResult;
  outcome: Outcome;
  /** In the order of `result.parts`. */
  falls: Fall[];
  violations: Violations;
}
