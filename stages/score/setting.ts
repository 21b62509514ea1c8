/** What stays fixed during the training of a score model. */
import type { PreconditioningConfig } from '../../schemas/preconditioning.ts';
import type { ScoreConfig } from '../../schemas/score-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { type DataScale, dataScale } from '../numerics/diffusion/data-scale.ts';
import type { Preconditioning } from '../numerics/diffusion/preconditioning/preconditioning.ts';
import { makePreconditioning } from '../numerics/diffusion/preconditioning/registry.ts';
import type { ScoreNetwork } from '../numerics/networks/network.ts';
import { makeScoreNetwork } from '../numerics/networks/registry.ts';
import type { Optimizer } from '../numerics/optimizers/optimizer.ts';
import { makeOptimizer } from '../numerics/optimizers/registry.ts';

export interface ScoreSetting {
  config: ScoreConfig;
  dataset: Dataset;
  scale: DataScale;
  network: ScoreNetwork;
  preconditioning: Preconditioning;
  optimizer: Optimizer;
}

/** The preconditioning of a model that is trained here, as `model.json` says it. */
export function preconditioningOf({ kind, ddpm, sigmaData }: ScoreConfig): PreconditioningConfig {
  if (kind !== 'ddpm') return { kind: 'edm', sigmaData };
  return { kind, ...ddpm, noiseInput: 'log-sigma', learnsVariance: false };
}

export function setUp(config: ScoreConfig, dataset: Dataset): ScoreSetting {
  const { info, train } = dataset;
  return {
    config,
    dataset,
    scale: dataScale(info.box, () => train.slice(0, train.count), config.sigmaData),
    network: makeScoreNetwork(config.network, info.shape, info.classNames.length),
    preconditioning: makePreconditioning(preconditioningOf(config)),
    // Adam as EDM uses it; the rate is given step by step.
    optimizer: makeOptimizer({
      kind: 'adam',
      learningRate: config.learningRate,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
    }),
  };
}
