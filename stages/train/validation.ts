/** Accuracy on held-out images, clean and under attack, and which weights have done best so far. */
import type { ValidationConfig } from '../../schemas/train-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { attacks } from '../numerics/attacks/registry.ts';
import type { LogitsOf } from '../numerics/attacks/tensor-attack.ts';
import { hasSucceeded } from '../numerics/attacks/tensor-losses.ts';
import { norms } from '../numerics/attacks/tensor-norms.ts';
import { yieldToEvents } from '../numerics/running.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';

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
  const { images, batchSize } = validation;
  let [right, robust] = [0, 0];
  for (let first = 0; first < images.length; first += batchSize) {
    const figures = validateBatch(logitsOf, validation, images.subarray(first, first + batchSize));
    right += figures.right;
    robust += figures.robust;
    await yieldToEvents();
  }
  return { validationAccuracy: right / images.length, robustValidationAccuracy: robust / images.length };
}

function validateBatch(
  logitsOf: LogitsOf,
  { dataset: { train, info }, config: { attack }, seed }: Validation,
  images: Uint32Array,
): { right: number; robust: number } {
  const goal = { classes: Uint16Array.from(images, (image) => train.labels[image]!), targeted: false };
  return tf.tidy(() => {
    const x = tf.tensor(train.gather(images), [images.length, ...info.shape]);
    const wrong = hasSucceeded(logitsOf(x), goal);
    const adversarial = attacks[attack.method](
      logitsOf,
      { x, ...goal },
      {
        norm: norms[attack.norm],
        eps: attack.eps,
        steps: attack.steps,
        stepSize: (attack.relativeStep * attack.eps) / attack.steps,
        randomStart: attack.randomStart,
        box: info.box,
        randomOf: (i) => randomStream(seed, 'train-validation-start', images[i]!),
      },
    );
    const misled = hasSucceeded(logitsOf(adversarial), goal);
    return {
      right: wrong.filter((isWrong) => !isWrong).length,
      robust: wrong.filter((isWrong, i) => !isWrong && !misled[i]).length,
    };
  });
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
