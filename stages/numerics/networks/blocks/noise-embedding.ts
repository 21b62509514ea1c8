/** Sinusoids of the noise level, as in Ho et al. 2020; c_noise of EDM runs from about −2 to 2. */
import { tf } from '../../tensor/tf.ts';

/** Width of {@link sinusoids}. */
export function embeddingWidth(frequencies: number): number {
  return 2 * frequencies;
}

/** noise: [batch] -> [batch, 2·frequencies]: sine and cosine at frequencies from 1/4 to 16, evenly in the logarithm. */
export function sinusoids(noise: tf.Tensor1D, frequencies: number): tf.Tensor2D {
  const span = Math.log(64) / Math.max(1, frequencies - 1);
  const rates = Array.from({ length: frequencies }, (_, i) => 0.25 * Math.exp(span * i));
  const angles = tf.mul(tf.expandDims(noise, 1), tf.tensor2d([rates]));
  return tf.concat2d([tf.sin(angles), tf.cos(angles)] as tf.Tensor2D[], 1);
}
