/**
 * What an attack is: the algorithm of its paper for one image, written as a generator. It yields the points at which it
 * wants to know the classifier, is handed what the classifier says there, and returns what it has found. Batches are none
 * of its business: `run-attacks.ts` keeps many such climbs going and asks for all of them at once.
 */
import { PipelineError } from '../../../schemas/errors.ts';
import type { RandomStream } from '../tensor/random.ts';
import type { Norm } from './norms.ts';

/** What a climb may follow; each is to be made large. Formulas in `losses.ts`. */
export type LossName = 'ce' | 'ce-targeted' | 'dlr' | 'dlr-targeted' | 'margin' | 'difference';

/** A point at which an attack wants to know the classifier. */
export interface Query {
  /** [size], channels last, in the data's units; must not change until the answer is there. */
  x: Float32Array;
  /** Whose gradient is wanted; null for the logits alone, which costs about a third. */
  loss: LossName | null;
  /** Class of the targeted losses and of `difference`; others do not look at it. */
  target?: number;
}

/** What the classifier says there. The arrays are the asker's to keep. */
export interface Answer {
  /** [classes] */
  logits: Float32Array;
  /** NaN where none was asked for. */
  loss: number;
  /** Of the loss by x, [size]; empty where none was asked for. */
  gradient: Float32Array;
}

/** One image, and what is allowed. */
export interface Problem {
  /** The clean image, [size]; not to be changed. */
  image: Float32Array;
  /** Its shape, channels last. */
  shape: readonly number[];
  /** True class. */
  label: number;
  /** Class to reach; null where any wrong one will do. */
  target: number | null;
  /** Logits of the clean image, [classes]. */
  cleanLogits: Float32Array;
  norm: Norm;
  /** Radius of the ball around the image, in the data's units. */
  eps: number;
  /** Images stay inside; null where the data has no bounds. */
  box: readonly [number, number] | null;
  /** Random numbers of this image and attempt. */
  random: RandomStream;
}

/** What one attempt at one image has found. */
export interface Outcome {
  /** A point of the ball and the box, [size]: one that has the goal, if any was seen, else the best by the attack's own measure. */
  x: Float32Array;
  /** Whether the classifier was seen to be led astray at x, which lies in the ball. */
  isAdversarial: boolean;
}

export type Climb = Generator<Query, Outcome, Answer>;

/** An attack with its settings bound. */
export type Attack = (problem: Problem) => Climb;

/** The class that a classifier names: that of the largest logit, the first of equal ones; of NaN, −1. */
export function classOf(logits: ArrayLike<number>): number {
  let best = -1;
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < logits.length; k++) {
    if (Number.isNaN(logits[k])) return -1;
    if (logits[k]! > largest || best < 0) {
      best = k;
      largest = logits[k]!;
    }
  }
  return best;
}

/** The class of a rank by falling logit, from 1; of equal logits the first class comes first. */
export function classOfRank(logits: Float32Array, rank: number): number {
  if (rank > logits.length) {
    throw new PipelineError(
      'CONFIG_INVALID',
      `Expected at least ${rank} classes for an attack that aims at the class of rank ${rank}, found ${logits.length}; choose fewer targets.`,
    );
  }
  return [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!)[rank - 1]!;
}

/** Whether the goal is reached with these logits: another class than the label, or the target. */
export function isLedAstray(
  logits: ArrayLike<number>,
  { label, target }: Pick<Problem, 'label' | 'target'>,
): boolean {
  const named = classOf(logits);
  return target === null ? named !== label && named >= 0 : named === target;
}
