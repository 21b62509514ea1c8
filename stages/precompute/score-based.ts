/**
 * Score-based targets: s(x_σ | y) − s(x_σ), the conditional minus the unconditional score at a moderate noise
 * level, averaged over noise draws (Ganz, Kawar and Elad 2023, section 4.1). x_σ is the same for all classes.
 */
import type { Dataset } from '../../store/dataset-artifact.ts';
import { toScaled } from '../numerics/diffusion/data-scale.ts';
import { denoise, type ScoreModel } from '../numerics/diffusion/denoise.ts';
import type { LineMixture } from '../numerics/diffusion/gaussian-mixture.ts';
import { addNoise, type NoiseSettings } from '../numerics/diffusion/noise.ts';
import { noisyDifference } from '../numerics/diffusion/noisy-difference.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TargetMaker } from './target-maker.ts';

/**
 * Denoises every noisy image once for each class and once without, in full batches.
 *
 * @param noisy [count × size]
 * @returns (D(x; y) − D(x)) / σ², which is the score difference, [count × classes × size]
 */
function differences(dataset: Dataset, model: ScoreModel, sigma: number, noisy: Float32Array): tf.Tensor {
  const classes = dataset.info.classNames.length;
  const count = noisy.length / dataset.size;
  const asks = classes + 1;
  return tf.tidy(() => {
    const images = tf.tensor(noisy, [count, ...dataset.info.shape]);
    const repeated = tf.gather(
      images,
      Array.from({ length: count * asks }, (_, i) => Math.floor(i / asks)),
    );
    // The row after the last class is all zeros: the unconditional score.
    const rows = tf.pad(tf.eye(classes), [
      [0, 1],
      [0, 0],
    ]);
    const oneHot = tf.tile(rows, [count, 1]) as tf.Tensor2D;
    const sigmas = new Float32Array(count * asks).fill(sigma);
    const denoised = denoise(model, repeated, sigmas, oneHot);
    const [conditional, unconditional] = tf.split(tf.reshape(denoised, [count, asks, -1]), [classes, 1], 1);
    return tf.div(tf.sub(conditional!, unconditional!), sigma * sigma);
  });
}

/** Targets from a learned score. `batchSize` bounds the network's evaluations at a time. */
export function learnedScore(
  dataset: Dataset,
  model: ScoreModel,
  noise: NoiseSettings,
  batchSize: number,
): TargetMaker {
  const { size, train } = dataset;
  const classes = dataset.info.classNames.length;
  const imagesAtOnce = Math.max(1, Math.floor(batchSize / (classes + 1)));
  return {
    description: `learned score difference at sigma ${noise.sigma} of the scaled data, ${noise.draws} draw(s)`,
    async compute(first, count, onImage) {
      const out = new Float32Array(count * classes * size);
      for (let start = 0; start < count; start += imagesAtOnce) {
        const n = Math.min(imagesAtOnce, count - start);
        const clean = toScaled(train.slice(first + start, n), model.scale);
        for (let draw = 0; draw < noise.draws; draw++) {
          const noisy = clean.slice();
          for (let i = 0; i < n; i++) {
            addNoise(noisy.subarray(i * size, (i + 1) * size), noise, first + start + i, draw);
          }
          const result = differences(dataset, model, noise.sigma, noisy);
          accumulate(out, result.dataSync() as Float32Array, start * classes * size, noise.draws);
          result.dispose();
        }
        await onImage(start + n);
      }
      return out;
    },
  };
}

function accumulate(out: Float32Array, values: Float32Array, offset: number, draws: number): void {
  for (let j = 0; j < values.length; j++) out[offset + j] = out[offset + j]! + values[j]! / draws;
}

/** Targets from the exact score of the toy mixture, in raw coordinates. */
export function analyticScore(dataset: Dataset, mixture: LineMixture, noise: NoiseSettings): TargetMaker {
  const { size, train } = dataset;
  const classes = dataset.info.classNames.length;
  return {
    description: `analytic score difference at sigma ${noise.sigma}, ${noise.draws} draw(s)`,
    async compute(first, count, onImage) {
      const out = new Float32Array(count * classes * size);
      for (let i = 0; i < count; i++) {
        const point = train.slice(first + i, 1);
        for (let label = 0; label < classes; label++) {
          out.set(noisyDifference(mixture, point, first + i, label, noise), (i * classes + label) * size);
        }
      }
      await onImage(count);
      return out;
    },
  };
}
