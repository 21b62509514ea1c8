/** How well a classifier's input gradients point along its targets, and a learned score along the analytic one. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { Analysis } from '../../schemas/results.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { GradientReader } from '../../store/shards/gradient-reader.ts';
import { classGradients, cosineOf } from '../numerics/analyses/class-gradients.ts';
import type { LogitsOf } from '../numerics/attacks/attack.ts';
import type { NoiseSettings } from '../numerics/diffusion/noise.ts';
import { noisyDifference } from '../numerics/diffusion/noisy-difference.ts';
import { toyMixture } from '../numerics/diffusion/toy-world.ts';

const BATCH = 64;

/** All targets of training images `first` … , [count × classes × size]. */
export async function storedTargets(
  { info, size }: Dataset,
  reader: GradientReader,
  images: readonly number[],
): Promise<Float32Array> {
  const classes = info.classNames.length;
  const out = new Float32Array(images.length * classes * size);
  const rows = images.flatMap((image) => info.classNames.map((_, target) => ({ image, target })));
  await reader.read(rows, out);
  return out;
}

/** Mean cosine over the first training images and all their targets. */
export async function alignmentScore(
  dataset: Dataset,
  logitsOf: LogitsOf,
  reader: GradientReader,
  wanted: number,
): Promise<NonNullable<Analysis['alignment']>> {
  const { train, info, size } = dataset;
  const classes = info.classNames.length;
  const images = Math.min(wanted, train.count);
  let sum = 0;
  for (let first = 0; first < images; first += BATCH) {
    const count = Math.min(BATCH, images - first);
    const indices = Array.from({ length: count }, (_, i) => first + i);
    const targets = await storedTargets(dataset, reader, indices);
    const gradients = classGradients(logitsOf, train.slice(first, count), info.shape, classes);
    for (let row = 0; row < count * classes; row++) {
      const [start, end] = [row * size, (row + 1) * size];
      sum += cosineOf(targets.subarray(start, end), gradients.subarray(start, end));
    }
  }
  return { meanCosine: sum / (images * classes), images };
}

/** Stored score differences towards the other class against the analytic ones, over evenly spread training points. */
export async function scoreAgreement(
  dataset: Dataset,
  reader: GradientReader,
  config: ExperimentConfig,
): Promise<NonNullable<Analysis['scoreAgreement']>> {
  const { sigma, draws, seed = 0 } = config.precompute;
  const noise: NoiseSettings = { sigma, draws, seed };
  const mixture = toyMixture(config.dataset.geometry);
  const n = Math.min(config.analyze.alignmentImages, dataset.train.count);
  const images = Array.from({ length: n }, (_, i) => Math.floor((i * dataset.train.count) / n));
  const stored = await storedTargets(dataset, reader, images);
  const cosines = images.map((image, i) => {
    const other = 1 - dataset.train.labels[image]!;
    const truth = noisyDifference(mixture, dataset.train.slice(image, 1), image, other, noise);
    const row = (i * 2 + other) * 2;
    return cosineOf(Float32Array.from(truth), stored.subarray(row, row + 2));
  });
  const meanCosine = cosines.reduce((sum, cosine) => sum + cosine, 0) / n;
  return { meanCosine, worstCosine: Math.min(...cosines), n };
}
