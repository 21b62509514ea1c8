/** What every classifier and every score network offers: a list of parameters and a pure function of them. */
import type { ParameterSpec, Parameters } from '../tensor/parameters.ts';
import type { tf } from '../tensor/tf.ts';

/** A classifier. Pixel range and normalisation are its own business: it takes images in the data set's units. */
export interface Classifier {
  parameters: ParameterSpec[];
  /** x: [batch, ...shape] -> logits [batch, classes]. */
  logits(parameters: Parameters, x: tf.Tensor): tf.Tensor2D;
}

/** A network F that score models wrap (Karras et al. 2022, eq. 7). */
export interface ScoreNetwork {
  parameters: ParameterSpec[];
  /**
   * @param x [batch, ...shape]
   * @param noise c_noise, [batch]
   * @param oneHot class as [batch, classes]; a row of zeros asks for the unconditional output
   * @returns [batch, ...shape]
   */
  forward(parameters: Parameters, x: tf.Tensor, noise: tf.Tensor1D, oneHot: tf.Tensor2D): tf.Tensor;
}
