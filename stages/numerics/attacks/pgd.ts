/**
 * Projected gradient descent (Madry et al. 2018, section 2.1): steps of fixed length along the direction of steepest
 * ascent, each followed by a projection onto the ball and the box.
 *
 * L∞: x ← Π(x + α sign ∇); L2: x ← Π(x + α ∇ / ‖∇‖₂); L1: the whole step goes to the value of the largest gradient.
 */
import { type Attack, isLedAstray } from './attack.ts';
import { type ClimbedLoss, lossFor } from './losses.ts';
import { intoBox, type Norm } from './norms.ts';

/** Lengths are in the data's units. */
export interface PgdOptions {
  steps: number;
  /** α */
  stepSize: number;
  /** Starts at a point drawn uniformly from the ball, clipped to the box, in place of the image. */
  randomStart: boolean;
  /** @default 'ce' */
  loss?: ClimbedLoss;
  /**
   * Makes every step, past the border to another class too: for training, and for pictures of what the classifier takes
   * for typical. Nobody looks at the last point then, so `isAdversarial` is false. @default false
   */
  keepClimbing?: boolean;
}

/** The length of a step: as given, or `relativeStep · ε / steps`. */
export function stepSizeOf({
  stepSize,
  relativeStep,
  eps,
  steps,
}: {
  stepSize?: number | undefined;
  relativeStep: number;
  eps: number;
  steps: number;
}): number {
  return stepSize ?? (relativeStep * eps) / steps;
}

/** Moves x by a step of a length along the steepest direction, which is written over the gradient. */
export function climbBy(x: Float32Array, length: number, gradient: Float32Array, norm: Norm): void {
  const direction = norm.steepest(gradient);
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + length * direction[i]!;
}

/** Returns the first iterate that leads astray, the start and the last one included; if none does, the last one. */
export const pgd = ({
  steps,
  stepSize,
  randomStart,
  loss = 'ce',
  keepClimbing = false,
}: PgdOptions): Attack =>
  function* (problem) {
    const { image, norm, eps, box, random } = problem;
    const x = randomStart ? intoBox(norm.randomPoint(image, eps, random), box) : image.slice();
    for (let step = 0; step < steps; step++) {
      const { logits, gradient } = yield { x, ...lossFor(loss, problem) };
      if (!keepClimbing && isLedAstray(logits, problem)) return { x, isAdversarial: true };
      climbBy(x, stepSize, gradient, norm);
      norm.project(x, image, eps, box);
    }
    if (keepClimbing) return { x, isAdversarial: false };
    const { logits } = yield { x, loss: null };
    return { x, isAdversarial: isLedAstray(logits, problem) };
  };
