/** Denoising score matching (Karras et al. 2022, eq. 2). */
import type { Preconditioning } from '../diffusion/preconditioning/preconditioning.ts';
import { tf } from '../tensor/tf.ts';

/**
 * λ(σ) ‖D(x; σ) − y‖², averaged over the values of an image; λ is the preconditioning's.
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
  { lossWeight }: Pick<Preconditioning, 'lossWeight'>,
): tf.Tensor1D {
  const weights = tf.tensor1d(sigma.map(lossWeight));
  const squares = tf.reshape(tf.square(tf.sub(denoised, clean)), [sigma.length, -1]);
  return tf.mul(weights, tf.mean(squares, 1));
}
