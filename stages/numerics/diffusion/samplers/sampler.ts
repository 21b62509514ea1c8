/** What a sampler is: a way from noise to data along falling noise levels. */
import { tf } from '../../tensor/tf.ts';

/** D(x; σ) of a batch at one noise level. x: [batch, ...shape] -> the same shape. */
export type Denoiser = (x: tf.Tensor, sigma: number) => tf.Tensor;

/** Stochasticity of EDM's sampler (Karras et al. 2022, algorithm 2). */
export interface Churn {
  /** S_churn; 0 makes the sampler deterministic. */
  amount: number;
  /** S_min and S_max: noise levels between which it acts. */
  least: number;
  largest: number;
  /** S_noise: standard deviation of the noise that is added, about 1. */
  noise: number;
}

/**
 * @param x noise of standard deviation levels[0], [batch, ...shape]; the caller disposes it
 * @param levels falling; the last is 0
 * @param drawNoise standard normal noise of x's shape, new in each call
 * @returns samples, [batch, ...shape]
 */
export type Sampler = (
  denoiser: Denoiser,
  x: tf.Tensor,
  levels: readonly number[],
  churn: Churn,
  drawNoise: () => tf.Tensor,
) => tf.Tensor;

/** Carries x from level to level, giving back what each step needed. */
export function walkLevels(
  x: tf.Tensor,
  levels: readonly number[],
  step: (x: tf.Tensor, sigma: number, next: number) => tf.Tensor,
): tf.Tensor {
  let current = tf.clone(x);
  for (const [i, next] of levels.slice(1).entries()) {
    const before = current;
    current = tf.tidy(() => step(before, levels[i]!, next));
    before.dispose();
  }
  return current;
}
