/** What no single setting can tell: settings that do not go together. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { inputsOf } from '../../schemas/dataset-facts.ts';
import { networkMisfit } from '../../schemas/network-fit.ts';
import { scoreNetworkMisfit } from '../../schemas/score-network-fit.ts';
import type { Problem } from './problems.ts';

/** All disagreements between the settings of one variant. */
export function checkTogether(config: ExperimentConfig): Problem[] {
  return [
    ...(config.dataset.name === 'toy' ? checkToy(config) : checkImages(config)),
    ...checkNetwork(config),
    ...checkScoreNetwork(config),
    ...checkTraining(config),
  ];
}

function checkToy({ score }: ExperimentConfig): Problem[] {
  const problems: Problem[] = [];
  if (score.kind === 'edm' && score.network.kind !== 'mlp') {
    problems.push({
      path: ['score', 'network', 'kind'],
      expected: 'mlp, or score.kind analytic, because the toy data are points',
      found: score.network.kind,
    });
  }
  return problems;
}

function checkImages({ dataset, score }: ExperimentConfig): Problem[] {
  const problems: Problem[] = [];
  if (score.kind === 'analytic') {
    const expected = 'edm, because an exact score is known for the toy data only';
    problems.push({ path: ['score', 'kind'], expected, found: 'analytic' });
  }
  if (dataset.name !== 'folder') return problems;
  for (const key of ['folder', 'size'] as const) {
    if (dataset[key] !== undefined) continue;
    const expected = `a value, because dataset.name is folder`;
    problems.push({ path: ['dataset', key], expected, found: 'nothing' });
  }
  return problems;
}

function checkNetwork({ dataset, train }: ExperimentConfig): Problem[] {
  const { shape, classes } = inputsOf(dataset);
  const misfit = shape === undefined ? null : networkMisfit(train.network, shape, classes);
  return misfit === null ? [] : [{ ...misfit, path: ['train', 'network', ...misfit.path] }];
}

/** Only where a score network is trained: the default one need not fit. */
function checkScoreNetwork({ dataset, precompute, score }: ExperimentConfig): Problem[] {
  const { shape } = inputsOf(dataset);
  if (shape?.length !== 3 || precompute.method !== 'sbg') return [];
  const misfit = scoreNetworkMisfit(score.network, shape);
  return misfit === null ? [] : [{ ...misfit, path: ['score', 'network', ...misfit.path] }];
}

function checkTraining({ train }: ExperimentConfig): Problem[] {
  if (train.microBatch === undefined || train.microBatch <= train.batchSize) return [];
  const expected = `at most train.batchSize (${train.batchSize})`;
  return [{ path: ['train', 'microBatch'], expected, found: String(train.microBatch) }];
}
