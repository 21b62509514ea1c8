/** Fast gradient sign method (Goodfellow et al. 2015, eq. 1): one step of length ε; for L2 along the gradient. */

import { pgd } from './pgd.ts';
import type { Attack } from './tensor-attack.ts';

export const fgsm: Attack = (logitsOf, batch, options) =>
  pgd(logitsOf, batch, { ...options, steps: 1, stepSize: options.eps, randomStart: false });
