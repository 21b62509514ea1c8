/** Classifier-free guidance (Ho and Salimans 2022, eq. 6), in terms of denoisers. */
import { tf } from '../../tensor/tf.ts';
import { denoise, type ScoreModel } from '../denoise.ts';
import type { Denoiser } from './sampler.ts';

/**
 * D_w = D(x) + w (D(x; class) − D(x)): 0 is unconditional, 1 conditional, more than 1 exaggerates the class.
 *
 * @param oneHot [batch, classes]; a row of zeros stays unconditional
 */
export function guidedDenoiser(model: ScoreModel, oneHot: tf.Tensor2D, guidance: number): Denoiser {
  const [batch, classes] = oneHot.shape;
  const ask = (x: tf.Tensor, sigma: number, rows: tf.Tensor2D) =>
    denoise(model, x, new Float32Array(rows.shape[0]).fill(sigma), rows);
  return (x, sigma) => {
    if (guidance === 1) return ask(x, sigma, oneHot);
    const none: tf.Tensor2D = tf.zeros([batch, classes]);
    if (guidance === 0) return ask(x, sigma, none);
    const both = ask(tf.concat([x, x]), sigma, tf.concat2d([oneHot, none], 0));
    const [conditional, unconditional] = tf.split(both, 2);
    return tf.add(unconditional!, tf.mul(tf.sub(conditional!, unconditional!), guidance));
  };
}
