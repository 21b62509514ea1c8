/** Sinusoids of the noise level, as in Ho et al. 2020; c_noise of EDM runs from about −2 to 2. */
import type { Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import type { ScorePass } from '../network.ts';
import { dense } from './dense.ts';

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

/**
 * noise: [batch] -> [batch, 2·frequencies]: cosine and sine at rates from 1 down to 1/10,000 (Ho et al. 2020).
 *
 * @param endpoint whether 1/10,000 is the last rate, or would be the one after it
 */
export function positionalEmbedding(noise: tf.Tensor1D, frequencies: number, endpoint: boolean): tf.Tensor2D {
  const intervals = frequencies - (endpoint ? 1 : 0);
  const rates = Array.from({ length: frequencies }, (_, i) => 1e-4 ** (i / intervals));
  return cosinesAndSines(noise, tf.tensor1d(rates));
}

/** noise: [batch], rates: [frequencies], in turns -> [batch, 2·frequencies]: cosine and sine (Tancik et al. 2020). */
export function fourierEmbedding(noise: tf.Tensor1D, rates: tf.Tensor1D): tf.Tensor2D {
  return cosinesAndSines(noise, tf.mul(rates, 2 * Math.PI));
}

/** The embedding [batch, width], with what `map_augment` makes of how the images were augmented: nothing if not told. */
export function withAugmentation(values: Parameters, embedding: tf.Tensor, pass?: ScorePass): tf.Tensor {
  const weight = values['map_augment.weight'];
  if (weight === undefined) return embedding;
  // Zeros make no difference, but training then finds every parameter on its tape.
  const told = pass?.augmentation ?? tf.zeros([1, weight.shape[0]!]);
  return tf.add(embedding, dense(values, 'map_augment', told));
}

function cosinesAndSines(noise: tf.Tensor1D, rates: tf.Tensor1D): tf.Tensor2D {
  const angles = tf.mul(tf.expandDims(noise, 1), tf.expandDims(rates, 0));
  return tf.concat2d([tf.cos(angles), tf.sin(angles)] as tf.Tensor2D[], 1);
}
