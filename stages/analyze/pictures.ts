/** Pictures: images, their targets, the classifier's gradients, and large targeted attacks towards every class. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { GradientReader } from '../../store/shards/gradient-reader.ts';
import { classGradients } from '../numerics/analyses/class-gradients.ts';
import { norms } from '../numerics/attacks/norms.ts';
import { type LogitsOf, makeOracle } from '../numerics/attacks/oracle.ts';
import { pgd, stepSizeOf } from '../numerics/attacks/pgd.ts';
import { problemsOf } from '../numerics/attacks/problems.ts';
import { AttackRun } from '../numerics/attacks/run-attacks.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { targetsByClass } from './stored-targets.ts';

/** Points asked for at a time. */
const BATCH = 64;

/** Arrays by name, as `arrays.safetensors` holds them. */
export type Arrays = Record<string, { shape: number[]; data: Float32Array }>;

/** Indices of the first image of each class in turn, then the second of each, until there are enough. */
export function oneOfEachClass(labels: Uint16Array, classes: number, wanted: number): number[] {
  const byClass = Array.from({ length: classes }, (_, label) =>
    [...labels.keys()].filter((i) => labels[i] === label),
  );
  const chosen: number[] = [];
  for (let round = 0; chosen.length < Math.min(wanted, labels.length); round++) {
    for (const members of byClass) if (round < members.length) chosen.push(members[round]!);
  }
  return chosen.slice(0, wanted);
}

/** Steps of 2.5 ε / steps, as Madry et al. 2018 take them: 32/255 in 50 steps of 1.6/255. */
const RELATIVE_STEP = 2.5;

/** PGD of large ε towards every class, without a stop once the class is reached. [n × classes × size]. */
function largeAttacks(
  { info, size }: Dataset,
  logitsOf: LogitsOf,
  { images, labels }: { images: Float32Array; labels: number[] },
  { pictureNorm, pictureEps: eps, pictureSteps: steps }: ExperimentConfig['analyze'],
): Float32Array {
  const classes = info.classNames.length;
  const cells = labels.length * classes;
  const imageOf = (cell: number) => Math.floor(cell / classes);
  const stepSize = stepSizeOf({ relativeStep: RELATIVE_STEP, eps, steps });
  const attack = pgd({ steps, stepSize, randomStart: false, keepClimbing: true });
  const oracle = makeOracle(logitsOf, info.shape, classes);
  const { shape, box } = info;
  const randomOf = () => randomStream('no random start');
  const problemOf = problemsOf({ images, labels, shape, norm: norms[pictureNorm], eps, box, randomOf });
  const run = new AttackRun(
    cells,
    [attack],
    oracle,
    (cell, attempt) => ({ ...problemOf(imageOf(cell), attempt), target: cell % classes }),
    { batchSize: BATCH },
  );
  while (run.step());
  oracle.dispose();
  const out = new Float32Array(cells * size);
  run.results().forEach(({ x }, cell) => {
    out.set(x, cell * size);
  });
  return out;
}

/** Pictures of training images, which have targets; the attacks start from them too. */
export async function pictures(
  dataset: Dataset,
  logitsOf: LogitsOf,
  reader: GradientReader | null,
  config: ExperimentConfig['analyze'],
): Promise<{ arrays: Arrays; labels: number[] }> {
  const { train, info } = dataset;
  const classes = info.classNames.length;
  const chosen = oneOfEachClass(train.labels, classes, config.images);
  const labels = chosen.map((index) => train.labels[index]!);
  const images = train.gather(chosen);
  const grid = [chosen.length, classes, ...info.shape];
  const arrays: Arrays = {
    images: { shape: [chosen.length, ...info.shape], data: images },
    gradients: { shape: grid, data: classGradients(logitsOf, images, info.shape, classes) },
    attacked: { shape: grid, data: largeAttacks(dataset, logitsOf, { images, labels }, config) },
  };
  if (reader !== null) arrays.targets = { shape: grid, data: await targetsByClass(dataset, reader, chosen) };
  return { arrays, labels };
}
