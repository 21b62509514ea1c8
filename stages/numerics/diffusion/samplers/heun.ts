/** EDM's sampler: Heun's method of second order, with churn or without (Karras et al. 2022, algorithms 1 and 2). */
import { tf } from '../../tensor/tf.ts';
import { type Sampler, walkLevels } from './sampler.ts';

export const heun: Sampler = (denoiser, x, levels, churn, drawNoise) => {
  const steps = levels.length - 1;
  // dx/dσ of the probability flow, eq. 4.
  const slope = (at: tf.Tensor, sigma: number) => tf.div(tf.sub(at, denoiser(at, sigma)), sigma);
  return walkLevels(x, levels, (before, sigma, next) => {
    const acts = sigma >= churn.least && sigma <= churn.largest;
    const gamma = acts ? Math.min(churn.amount / steps, Math.SQRT2 - 1) : 0;
    const raised = sigma * (1 + gamma);
    const added = churn.noise * Math.sqrt(raised ** 2 - sigma ** 2);
    const start = gamma === 0 ? before : tf.add(before, tf.mul(drawNoise(), added));
    const first = slope(start, raised);
    const euler = tf.add(start, tf.mul(first, next - raised));
    if (next === 0) return euler;
    return tf.add(start, tf.mul(tf.add(first, slope(euler, next)), (next - raised) / 2));
  });
};
