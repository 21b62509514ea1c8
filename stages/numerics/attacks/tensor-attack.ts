/** What every attack takes and gives. */
import type { RandomStream } from '../tensor/random.ts';
import type { tf } from '../tensor/tf.ts';
import type { Norm } from './tensor-norms.ts';

/** A classifier as attacks see it: x [batch, ...shape] -> logits [batch, classes], differentiable. */
export type LogitsOf = (x: tf.Tensor) => tf.Tensor2D;

/** Settings of one attack. */
export interface AttackOptions {
  norm: Norm;
  /** Radius of the ball around each image, in the data's units. */
  eps: number;
  steps: number;
  stepSize: number;
  randomStart: boolean;
  /** Images stay inside; null where the data has no bounds. */
  box: readonly [number, number] | null;
  /** Goes on after the goal is reached, for pictures of what the classifier takes for typical. */
  keepClimbing?: boolean;
  /** Random numbers of the image at a position of this batch; only a random start draws from them. */
  randomOf(position: number): RandomStream;
}

/** Which images, and what the attack wants of them. */
export interface AttackedBatch {
  /** [batch, ...shape] */
  x: tf.Tensor;
  /** One class each: the true one, or with `targeted` the one to reach. */
  classes: Uint16Array;
  /** Towards the class instead of away from it. */
  targeted: boolean;
}

/**
 * An attack. Returns adversarial images [batch, ...shape]; an image that has already been led astray keeps the
 * first iterate that did it (unless `keepClimbing`).
 */
export type Attack = (logitsOf: LogitsOf, batch: AttackedBatch, options: AttackOptions) => tf.Tensor;
