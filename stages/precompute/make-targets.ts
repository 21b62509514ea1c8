/** The kind of target that the configuration asks for. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { sigmasOf } from '../../schemas/precompute-config.ts';
import type { StageContext } from '../../schemas/stage.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { ScoreModel } from '../numerics/diffusion/denoise.ts';
import { loadScoreModel } from '../numerics/diffusion/score-model.ts';
import type { ScoreTarget } from '../numerics/diffusion/score-target.ts';
import { toyMixture } from '../numerics/diffusion/toy-world.ts';
import { inputOf } from '../numerics/running.ts';
import { analyticScore } from './analytic-score.ts';
import { classifierFeatures, pixelFeatures } from './features.ts';
import { readNamedScoreModel } from './named-models.ts';
import { nearestNeighbor } from './nearest-neighbor.ts';
import { classMean, oneImage } from './representatives.ts';
import { learnedScore } from './score-based.ts';
import type { TargetMaker } from './target-maker.ts';

/** What of a stage's context decides the targets. */
type MakerContext = Pick<StageContext, 'config' | 'inputs'>;
type Maker = (context: MakerContext, dataset: Dataset) => TargetMaker | Promise<TargetMaker>;

const makers: Record<ExperimentConfig['precompute']['method'], Maker> = {
  sbg: scoreBased,
  'nearest-neighbor': amongNeighbors,
  'class-mean': (_, dataset) => classMean(dataset),
  'one-image': ({ config }, dataset) => oneImage(dataset, config.precompute.seed ?? 0),
};

export async function makeTargets(context: MakerContext, dataset: Dataset): Promise<TargetMaker> {
  return makers[context.config.precompute.method](context, dataset);
}

async function amongNeighbors({ config }: MakerContext, dataset: Dataset): Promise<TargetMaker> {
  const { features, neighbors } = config.precompute;
  const space = features === undefined ? pixelFeatures(dataset) : await classifierFeatures(dataset, features);
  return nearestNeighbor(dataset, space, neighbors);
}

async function scoreBased(context: MakerContext, dataset: Dataset): Promise<TargetMaker> {
  const { precompute, score, dataset: source } = context.config;
  const target: ScoreTarget = {
    sigmas: sigmasOf(precompute),
    draws: precompute.draws,
    seed: precompute.seed ?? 0,
    combine: precompute.combine,
    guidance: precompute.guidance,
  };
  if (precompute.conditional === undefined && score.kind === 'analytic') {
    return analyticScore(dataset, toyMixture(source.geometry), target);
  }
  const conditional = await conditionalModel(context, dataset);
  const unconditional =
    precompute.unconditional === undefined
      ? conditional
      : await readNamedScoreModel(precompute.unconditional, dataset);
  const unit = conditional.scale.factor / sigmaScale(dataset);
  const { round } = conditional.preconditioning;
  const scaled = { ...target, sigmas: target.sigmas.map((sigma) => round(sigma * unit)) };
  return learnedScore(dataset, {
    conditional,
    unconditional,
    target: scaled,
    batchSize: precompute.batchSize,
  });
}

/** σ is given for images scaled to [−1, 1], and for points in their coordinates; an imported model may see others. */
function sigmaScale({ info: { box } }: Dataset): number {
  return box === null ? 1 : 2 / (box[1] - box[0]);
}

async function conditionalModel(context: MakerContext, dataset: Dataset): Promise<ScoreModel> {
  const { conditional } = context.config.precompute;
  if (conditional === undefined) return loadScoreModel(inputOf(context, 'score').directory, dataset.info);
  const model = await readNamedScoreModel(conditional, dataset);
  if (model.classes > 0) return model;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected precompute.conditional to be a score model that knows classes, found that the one in ${conditional.model} knows none; choose another one (it could serve as precompute.unconditional).`,
  );
}
