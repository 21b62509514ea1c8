/** The kind of target that the configuration asks for. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { StageContext } from '../../schemas/stage.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { NoiseSettings } from '../numerics/diffusion/noise.ts';
import { loadScoreModel } from '../numerics/diffusion/score-model.ts';
import { toyMixture } from '../numerics/diffusion/toy-world.ts';
import { inputOf } from '../numerics/running.ts';
import { nearestNeighbor } from './nearest-neighbor.ts';
import { classMean, oneImage } from './representatives.ts';
import { analyticScore, learnedScore } from './score-based.ts';
import type { TargetMaker } from './target-maker.ts';

type Maker = (context: StageContext, dataset: Dataset) => TargetMaker | Promise<TargetMaker>;

const makers: Record<ExperimentConfig['precompute']['method'], Maker> = {
  sbg: scoreBased,
  'nearest-neighbor': (_, dataset) => nearestNeighbor(dataset),
  'class-mean': (_, dataset) => classMean(dataset),
  'one-image': ({ config }, dataset) => oneImage(dataset, config.precompute.seed ?? 0),
};

export async function makeTargets(context: StageContext, dataset: Dataset): Promise<TargetMaker> {
  return makers[context.config.precompute.method](context, dataset);
}

async function scoreBased(context: StageContext, dataset: Dataset): Promise<TargetMaker> {
  const { precompute, score, dataset: source } = context.config;
  const noise: NoiseSettings = {
    sigma: precompute.sigma,
    draws: precompute.draws,
    seed: precompute.seed ?? 0,
  };
  if (score.kind === 'analytic') return analyticScore(dataset, toyMixture(source.geometry), noise);
  const model = await loadScoreModel(inputOf(context, 'score').directory, dataset.info);
  // σ is given in [−1, 1] for images, which is the model's own scale, but in raw coordinates for points.
  const sigma = dataset.info.box === null ? noise.sigma * model.scale.factor : noise.sigma;
  return learnedScore(dataset, model, { ...noise, sigma }, precompute.batchSize);
}
