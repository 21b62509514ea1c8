/** EDM preconditioning: a denoiser D made of a network F (Karras et al. 2022, eq. 7 and table 1). */
import type { ScoreNetwork } from '../networks/network.ts';
import type { Parameters } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';

/** Settings of a denoiser. */
export interface Precondition {
  /** Standard deviation of the scaled data. */
  sigmaData: number;
}

/**
 * D(x; σ, class) = c_skip·x + c_out·F(c_in·x; c_noise, class).
 *
 * @param x noisy data, [batch, ...shape], scaled data plus σ times standard normal noise
 * @param sigma one noise level for each image, [batch]
 * @param oneHot [batch, classes]; zeros for the unconditional denoiser
 * @returns [batch, ...shape]
 */
export function denoise(
  network: ScoreNetwork,
  parameters: Parameters,
  { sigmaData }: Precondition,
  x: tf.Tensor,
  sigma: Float32Array,
  oneHot: tf.Tensor2D,
): tf.Tensor {
  const column = (f: (s: number) => number) =>
    tf.tensor(sigma.map(f), [sigma.length, ...x.shape.slice(1).map(() => 1)]);
  const total = (s: number) => s * s + sigmaData * sigmaData;
  const noise = tf.tensor1d(sigma.map((s) => Math.log(s) / 4));
  const inside = tf.mul(
    x,
    column((s) => 1 / Math.sqrt(total(s))),
  );
  const output = network.forward(parameters, inside, noise, oneHot);
  return tf.add(
    tf.mul(
      x,
      column((s) => sigmaData ** 2 / total(s)),
    ),
    tf.mul(
      output,
      column((s) => (s * sigmaData) / Math.sqrt(total(s))),
    ),
  );
}
