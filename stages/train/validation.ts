/** Accuracy on held-out images, clean and under attack, and which weights have done best so far. */
import type { ValidationConfig } from '../../schemas/train-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { type Attack, classOf } from '../numerics/attacks/attack.ts';
import { fgsm } from '../numerics/attacks/fgsm.ts';
import { norms } from '../numerics/attacks/norms.ts';
import { type LogitsOf, makeOracle, type Oracle } from '../numerics/attacks/oracle.ts';
import { pgd, stepSizeOf } from '../numerics/attacks/pgd.ts';
import { problemsOf } from '../numerics/attacks/problems.ts';
import { AttackRun } from '../numerics/attacks/run-attacks.ts';
import { yieldToEvents } from '../numerics/running.ts';
import { randomStream } from '../numerics/tensor/random.ts';

/** Shares of the held-out images. */
export interface ValidationFigures {
  validationAccuracy: number;
  /** Right without and under the attack. */
  robustValidationAccuracy: number;
}

/** The best evaluation so far, and how long ago it was. */
export type BestSoFar = ValidationFigures & {
  epoch: number;
  /** Evaluations since then. */
  waited: number;
};

/** What an evaluation needs besides the network. */
export interface Validation {
  dataset: Dataset;
  /** Indices in the training split. */
  images: Uint32Array;
  config: ValidationConfig;
  batchSize: number;
  seed: number;
}

/** Random starts depend on (seed, image) alone, so that epochs differ by their weights and not by luck. */
export async function validate(logitsOf: LogitsOf, validation: Validation): Promise<ValidationFigures> {
  const { images, dataset, batchSize } = validation;
  const { info } = dataset;
  const oracle = makeOracle(logitsOf, info.shape, info.classNames.length);
  try {
    let [right, robust] = [0, 0];
    for (let first = 0; first < images.length; first += batchSize) {
      const figures = await validateBatch(oracle, validation, images.subarray(first, first + batchSize));
      right += figures.right;
      robust += figures.robust;
    }
    return { validationAccuracy: right / images.length, robustValidationAccuracy: robust / images.length };
  } finally {
    oracle.dispose();
  }
}

/** Images that are right, and those that still are after the attack. */
async function validateBatch(
  oracle: Oracle,
  { dataset: { train, info }, config: { attack }, batchSize, seed }: Validation,
  batch: Uint32Array,
): Promise<{ right: number; robust: number }> {
  const standing = keepRight(oracle, train, batch);
  const problems = problemsOf({
    images: train.gather(standing),
    labels: standing.map((image) => train.labels[image]!),
    shape: info.shape,
    norm: norms[attack.norm],
    eps: attack.eps,
    box: info.box,
    randomOf: (i) => randomStream(seed, 'train-validation-start', standing[i]!),
  });
  const run = new AttackRun(standing.length, [attackOf(attack)], oracle, problems, { batchSize });
  while (run.step()) await yieldToEvents();
  const robust = run.results().filter(({ isAdversarial }) => !isAdversarial).length;
  return { right: standing.length, robust };
}

function keepRight(oracle: Oracle, { labels, slice }: Dataset['train'], batch: Uint32Array): number[] {
  const images = [...batch];
  const answers = oracle.ask(
    images.map((image) => ({ query: { x: slice(image, 1), loss: null }, label: labels[image]! })),
  );
  return images.filter((image, i) => classOf(answers[i]!.logits) === labels[image]);
}

function attackOf({ method, ...setting }: ValidationConfig['attack']): Attack {
  return method === 'fgsm' ? fgsm() : pgd({ ...setting, stepSize: stepSizeOf(setting) });
}

/** The best so far after another evaluation. */
export function afterEvaluation(
  best: BestSoFar | null,
  figures: ValidationFigures,
  epoch: number,
): BestSoFar {
  if (best !== null && !isBetter(figures, best)) return { ...best, waited: best.waited + 1 };
  return { ...figures, epoch, waited: 0 };
}

/** By accuracy under attack; if that is equal, by clean accuracy. An equal later one is no better. */
function isBetter(one: ValidationFigures, other: ValidationFigures): boolean {
  const gain = one.robustValidationAccuracy - other.robustValidationAccuracy;
  return gain > 0 || (gain === 0 && one.validationAccuracy > other.validationAccuracy);
}
