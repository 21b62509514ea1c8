/**
 * Fast gradient sign method (Goodfellow et al. 2015, section 4): one step of length ε along the direction of steepest
 * ascent. That is the sign of the gradient for L∞, the gradient for L2, and one value alone for L1: that of the largest
 * gradient.
 */
import type { Attack } from './attack.ts';
import { type PgdOptions, pgd } from './pgd.ts';

export const fgsm =
  (options: Pick<PgdOptions, 'loss' | 'keepClimbing'> = {}): Attack =>
  (problem) =>
    pgd({ ...options, steps: 1, stepSize: problem.eps, randomStart: false })(problem);
