/**
 * DDIM without noise (Song et al. 2021, eq. 12 with σ_t = 0). In terms of x / √ᾱ it is x' = D + (σ' / σ)(x − D): the
 * predicted noise is kept and scaled to the next level.
 */
import { tf } from '../../tensor/tf.ts';
import { type Sampler, walkLevels } from './sampler.ts';

export const ddim: Sampler = (denoiser, x, levels) =>
  walkLevels(x, levels, (before, sigma, next) => {
    const denoised = denoiser(before, sigma);
    return tf.add(denoised, tf.mul(tf.sub(before, denoised), next / sigma));
  });
