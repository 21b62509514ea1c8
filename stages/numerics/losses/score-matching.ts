/** Denoising score matching with EDM's weighting (Karras et al. 2022, eq. 2 and table 1). */
import type { Precondition } from '../diffusion/precondition.ts';
import { tf } from '../tensor/tf.ts';

/**
 * λ(σ) ‖D(x; σ) − y‖², λ(σ) = (σ² + σ_data²) / (σ·σ_data)², averaged over the values of an image.
 *
 * @param denoised D(x; σ), [batch, ...shape]
 * @param clean y, [batch, ...shape]
 * @param sigma [batch]
 * @returns [batch], not reduced
 */
export function scoreMatching(
  denoised: tf.Tensor,
  clean: tf.Tensor,
  sigma: Float32Array,
  { sigmaData }: Pick<Precondition, 'sigmaData'>,
): tf.Tensor1D {
  const weights = tf.tensor1d(sigma.map((s) => (s * s + sigmaData * sigmaData) / (s * sigmaData) ** 2));
  const squares = tf.reshape(tf.square(tf.sub(denoised, clean)), [sigma.length, -1]);
  return tf.mul(weights, tf.mean(squares, 1));
}
