/** What no single setting can tell: settings that do not go together. */
import { attackMisfits } from '../../schemas/attack-fit.ts';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { inputsOf, OWN_DATASETS, PICTURE_DATASETS } from '../../schemas/dataset-facts.ts';
import { networkMisfit } from '../../schemas/network-fit.ts';
import { targetsOf } from '../../schemas/precompute-config.ts';
import { AUGMENTATIONS } from '../../schemas/score-config.ts';
import { scoreNetworkMisfit } from '../../schemas/score-network-fit.ts';
import type { Problem } from './problems.ts';

/** All disagreements between the settings of one variant. */
export function checkTogether(config: ExperimentConfig): Problem[] {
  return [
    ...(config.dataset.name === 'toy' ? checkToy(config) : checkImages(config)),
    ...checkNetwork(config),
    ...checkScoreNetwork(config),
    ...checkScore(config),
    ...checkTargets(config),
    ...checkTraining(config),
    ...checkAttacks(config),
  ];
}

function checkToy({ score }: ExperimentConfig): Problem[] {
  const problems: Problem[] = [];
  if (score.kind !== 'analytic' && score.network.kind !== 'mlp') {
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
    const expected = 'edm or ddpm, because an exact score is known for the toy data only';
    problems.push({ path: ['score', 'kind'], expected, found: 'analytic' });
  }
  const needed = [
    ...(OWN_DATASETS.includes(dataset.name) ? (['folder'] as const) : []),
    ...(PICTURE_DATASETS.includes(dataset.name) ? (['size'] as const) : []),
  ];
  for (const key of needed) {
    if (dataset[key] !== undefined) continue;
    const expected = `a value, because dataset.name is ${dataset.name}`;
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
  if (shape?.length !== 3 || precompute.method !== 'sbg' || precompute.conditional) return [];
  const misfit = scoreNetworkMisfit(score.network, shape);
  return misfit === null ? [] : [{ ...misfit, path: ['score', 'network', ...misfit.path] }];
}

function checkTargets({ dataset, precompute }: ExperimentConfig): Problem[] {
  const targets = targetsOf(precompute);
  const { classes } = inputsOf(dataset);
  if (!('count' in targets) || classes === undefined) return [];
  const most = targets.kind === 'top' ? classes - 1 : classes;
  if (targets.count <= most) return [];
  const expected = `at most ${most}, as ${dataset.name} has ${classes} classes${most < classes ? ' and the own one is left out' : ''}`;
  return [{ path: ['precompute', 'targets', 'count'], expected, found: String(targets.count) }];
}

/** For another model than the trained one see `attack-models.ts`. */
function checkAttacks({ dataset, attack }: ExperimentConfig): Problem[] {
  if (attack.model !== undefined) return [];
  const facts = inputsOf(dataset);
  return attack.attacks.flatMap((entry, i) =>
    attackMisfits(entry, facts).map((misfit) => ({
      ...misfit,
      path: ['attack', 'attacks', i, ...misfit.path],
    })),
  );
}

function checkTraining({ train }: ExperimentConfig): Problem[] {
  return checkMicroBatch('train', train);
}

function checkScore({ score }: ExperimentConfig): Problem[] {
  if (score.kind === 'analytic') return [];
  const problems = checkMicroBatch('score', score);
  const { network, augment } = score;
  const told = 'augmentations' in network ? network.augmentations : 0;
  if (augment !== undefined && told !== AUGMENTATIONS) {
    const expected = `${AUGMENTATIONS}, because score.augment tells the network what was done in as many numbers`;
    problems.push({ path: ['score', 'network', 'augmentations'], expected, found: String(told) });
  }
  return problems;
}

function checkMicroBatch(
  section: 'score' | 'train',
  { microBatch, batchSize }: { microBatch?: number | undefined; batchSize: number },
): Problem[] {
  if (microBatch === undefined || microBatch <= batchSize) return [];
  const expected = `at most ${section}.batchSize (${batchSize})`;
  return [{ path: [section, 'microBatch'], expected, found: String(microBatch) }];
}
