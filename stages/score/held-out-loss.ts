/** Loss of held-out images at fixed noise levels: the same images and noise each time, so that only the model differs. */
import { toScaled } from '../numerics/diffusion/data-scale.ts';
import { denoise, type ScoreModel } from '../numerics/diffusion/denoise.ts';
import { scoreMatching } from '../numerics/losses/score-matching.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { ScoreSetting } from './setting.ts';

/** One noise level of one evaluation. */
export type HeldOutLoss = {
  /** In units of the scaled data; the nearest that the model is trained at. */
  sigma: number;
  /** With the weight of the training's loss, averaged over images and values. */
  loss: number;
};

/**
 * Validation images where the data set has some, else test images; evenly spread, for they may be sorted by class. The
 * network is told the classes.
 */
export function heldOutLosses(
  { config, dataset, scale, preconditioning }: ScoreSetting,
  model: ScoreModel,
): HeldOutLoss[] {
  const { size, info, validation: split = dataset.test } = dataset;
  const { images, sigmas } = config.validation;
  const count = Math.min(images, split.count);
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * split.count) / count));
  const clean = toScaled(split.gather(chosen), scale);
  const noise = new Float32Array(clean.length);
  chosen.forEach((image, i) => {
    const random = randomStream(config.seed ?? 0, 'score-validation', image);
    random.fillNormal(noise.subarray(i * size, (i + 1) * size));
  });
  const labels = chosen.map((image) => split.labels[image]!);
  return sigmas.map((asked) => {
    const sigma = preconditioning.round(asked);
    let sum = 0;
    for (let first = 0; first < count; first += config.batchSize) {
      const end = Math.min(count, first + config.batchSize);
      const part = (values: Float32Array) =>
        tf.tensor(values.subarray(first * size, end * size), [end - first, ...info.shape]);
      sum += tf.tidy(() => {
        const sigmaOf = new Float32Array(end - first).fill(sigma);
        const noisy = tf.add(part(clean), tf.mul(part(noise), sigma));
        const oneHot = tf.oneHot(tf.tensor1d(labels.slice(first, end), 'int32'), model.classes);
        const denoised = denoise(model, noisy, sigmaOf, tf.cast(oneHot, 'float32') as tf.Tensor2D);
        return tf.sum(scoreMatching(denoised, part(clean), sigmaOf, preconditioning)).dataSync()[0]!;
      });
    }
    return { sigma, loss: sum / count };
  });
}
