/** How well a classifier's input gradients point along its targets, and a learned score along the analytic one. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { sigmasOf } from '../../schemas/precompute-config.ts';
import type { Analysis } from '../../schemas/results.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { GradientReader } from '../../store/shards/gradient-reader.ts';
import { classGradients, cosineOf } from '../numerics/analyses/class-gradients.ts';
import type { LogitsOf } from '../numerics/attacks/oracle.ts';
import { analyticTarget } from '../numerics/diffusion/analytic-target.ts';
import type { ScoreTarget } from '../numerics/diffusion/score-target.ts';
import { toyMixture } from '../numerics/diffusion/toy-world.ts';
import { storedTargets, targetsOfOthers } from './stored-targets.ts';

const BATCH = 64;

/** Mean cosine over the first training images and all their targets. */
export async function alignmentScore(
  dataset: Dataset,
  logitsOf: LogitsOf,
  reader: GradientReader,
  wanted: number,
): Promise<NonNullable<Analysis['alignment']>> {
  const { train, info, size } = dataset;
  const classes = info.classNames.length;
  const slots = reader.info.targets;
  const images = Math.min(wanted, train.count);
  let sum = 0;
  for (let first = 0; first < images; first += BATCH) {
    const count = Math.min(BATCH, images - first);
    const indices = Array.from({ length: count }, (_, i) => first + i);
    const targets = await storedTargets(reader, indices);
    const gradients = classGradients(logitsOf, train.slice(first, count), info.shape, classes);
    targets.classes.forEach((label, row) => {
      const place = (Math.floor(row / slots) * classes + label) * size;
      const target = targets.values.subarray(row * size, (row + 1) * size);
      sum += cosineOf(target, gradients.subarray(place, place + size));
    });
  }
  return { meanCosine: sum / (images * slots), images };
}

/** Stored score differences towards the other class against the analytic ones, over evenly spread training points. */
export async function scoreAgreement(
  dataset: Dataset,
  reader: GradientReader,
  config: ExperimentConfig,
): Promise<NonNullable<Analysis['scoreAgreement']>> {
  const { draws, combine, guidance, seed = 0 } = config.precompute;
  const target: ScoreTarget = { sigmas: sigmasOf(config.precompute), draws, combine, guidance, seed };
  const mixture = toyMixture(config.dataset.geometry);
  const n = Math.min(config.analyze.alignmentImages, dataset.train.count);
  const images = Array.from({ length: n }, (_, i) => Math.floor((i * dataset.train.count) / n));
  const cosines = (await targetsOfOthers(dataset, reader, images)).map(({ image, other, stored }) => {
    const truth = analyticTarget(mixture, dataset.train.slice(image, 1), image, other, target);
    return cosineOf(Float32Array.from(truth), stored);
  });
  const meanCosine = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  return { meanCosine, worstCosine: Math.min(...cosines), n: cosines.length };
}
