/** The denoiser that all stages use, whatever kind of score model is behind it. */
import { spreadBy } from '../networks/blocks/spread.ts';
import type { ScoreNetwork, ScorePass } from '../networks/network.ts';
import type { Parameters } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import type { DataScale } from './data-scale.ts';
import type { Coefficients, Preconditioning } from './preconditioning/preconditioning.ts';

/** A score model in memory. */
export interface ScoreModel {
  network: ScoreNetwork;
  parameters: Parameters;
  /** The scale in which it sees data. */
  scale: DataScale;
  preconditioning: Preconditioning;
  /** Number of classes; 0 for a model that knows none. */
  classes: number;
}

/**
 * D(x; σ, class), an estimate of the clean data; the score is (D − x) / σ².
 *
 * @param x noisy data, [images, ...shape]: scaled data plus σ times standard normal noise
 * @param sigma one noise level for each image, [images]
 * @param oneHot [batch, classes]; a row of zeros asks for the unconditional denoiser
 * @param pass what a training pass does besides; left out for evaluation
 * @param places the image of each row of `oneHot`, as in {@link ScoreNetwork.forward}
 * @returns [batch, ...shape]
 */
export function denoise(
  { network, parameters, preconditioning }: Omit<ScoreModel, 'scale' | 'classes'>,
  x: tf.Tensor,
  sigma: Float32Array,
  oneHot: tf.Tensor2D,
  pass?: ScorePass,
  places?: tf.Tensor1D,
): tf.Tensor {
  const at = Array.from(sigma, (s) => preconditioning.at(s));
  const column = (name: keyof Coefficients) =>
    tf.tensor(
      at.map((coefficients) => coefficients[name]),
      [sigma.length, ...x.shape.slice(1).map(() => 1)],
    );
  const noise = tf.tensor1d(at.map(({ cNoise }) => cNoise));
  const output = network.forward(parameters, tf.mul(x, column('cIn')), noise, oneHot, pass, places);
  const spread = spreadBy(places);
  const kept = spread(tf.mul(x, column('cSkip')));
  const used = preconditioning.learnsVariance ? tf.slice(output, 0, kept.shape) : output;
  return tf.add(kept, tf.mul(used, spread(column('cOut'))));
}
