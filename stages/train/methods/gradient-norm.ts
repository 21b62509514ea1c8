/**
 * Penalty on the input gradient of the cross entropy, ‖∇ₓ CE(x)‖², without a factor ½ (Drucker and LeCun 1992;
 * Ross and Doshi-Velez 2018).
 */
import { entropyGradient, squaredLengths } from '../../numerics/losses/entropy-gradient.ts';
import type { TrainingMethod } from './method.ts';

export const gradientNorm = (): TrainingMethod => ({
  penalties: ({ oneHot }) => [
    ({ logits, x }) => ({ penalty: squaredLengths(entropyGradient(logits, x, oneHot)) }),
  ],
});
