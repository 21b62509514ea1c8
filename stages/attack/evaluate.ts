/** Runs one attack on one classifier, image by image as far as the outcome goes, in batches as far as speed goes. */

import { type AttackSetting, stepsOf } from '../../schemas/attack-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { attacks } from '../numerics/attacks/registry.ts';
import type { LogitsOf } from '../numerics/attacks/tensor-attack.ts';
import { norms } from '../numerics/attacks/tensor-norms.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';

/** What became of the images, one entry each. */
export interface Outcome {
  /** Still right (untargeted), or not led to the target (targeted). */
  survived: boolean[];
  /** Prediction on the adversarial image; on the clean one where the attack had nothing to do. */
  prediction: number[];
  /** Length of the perturbation in the attack's norm. */
  distance: number[];
  /** Class to be reached, −1 for untargeted attacks. */
  target: number[];
}

/** What all attacks on a classifier share. */
export interface Victim {
  logitsOf: LogitsOf;
  dataset: Dataset;
  /** Predictions on the clean test images that are attacked. */
  clean: Uint16Array;
  seed: number;
  batchSize: number;
}

/** Another class than the true one, drawn by (seed, image). */
export function drawTarget(seed: number, image: number, label: number, classes: number): number {
  const other = randomStream(seed, 'attack-target', image).integer(classes - 1);
  return other < label ? other : other + 1;
}

/** Images that the attack still has to work on: not yet wrong, or not yet at the target. */
function begin({ clean, dataset, seed }: Victim, { targeted }: AttackSetting): Outcome {
  const { labels } = dataset.test;
  const classes = dataset.info.classNames.length;
  const target = Array.from(clean, (_, i) => (targeted ? drawTarget(seed, i, labels[i]!, classes) : -1));
  return {
    survived: Array.from(clean, (predicted, i) =>
      targeted ? predicted !== target[i] : predicted === labels[i],
    ),
    prediction: Array.from(clean),
    distance: Array.from(clean, () => 0),
    target,
  };
}

/** Attacks a batch once and writes down what became of it. */
function attackBatch(
  victim: Victim,
  setting: AttackSetting,
  images: number[],
  restart: number,
  outcome: Outcome,
): void {
  const { dataset, logitsOf, seed } = victim;
  const { test, info } = dataset;
  const norm = norms[setting.norm as 'L2' | 'Linf'];
  const steps = stepsOf(setting) ?? 1;
  const classes = Uint16Array.from(images, (i) => (setting.targeted ? outcome.target[i]! : test.labels[i]!));
  const result = tf.tidy(() => {
    const x = tf.tensor(test.gather(images), [images.length, ...info.shape]);
    const options = {
      norm,
      eps: setting.eps,
      steps,
      stepSize: (setting.relativeStep * setting.eps) / steps,
      randomStart: setting.randomStart,
      box: info.box,
      randomOf: (i: number) => randomStream(seed, 'attack-start', images[i]!, restart),
    };
    const adversarial = attacks[setting.method as 'fgsm' | 'pgd'](
      logitsOf,
      { x, classes, targeted: setting.targeted },
      options,
    );
    const predicted = tf.argMax(logitsOf(adversarial), 1).dataSync();
    return { predicted, distance: norm.length(tf.sub(adversarial, x)).dataSync() };
  });
  images.forEach((image, i) => {
    const predicted = result.predicted[i]!;
    outcome.prediction[image] = predicted;
    outcome.distance[image] = result.distance[i]!;
    outcome.survived[image] = (predicted === classes[i]) !== setting.targeted;
  });
}

/**
 * Attacks every image that is still standing, restart after restart.
 *
 * @param onImages called between batches with the number of images done in this restart
 */
export async function evaluate(
  victim: Victim,
  setting: AttackSetting,
  onImages: (done: number) => Promise<void>,
): Promise<Outcome> {
  const outcome = begin(victim, setting);
  for (let restart = 0; restart < (setting.restarts ?? 1); restart++) {
    const standing = [...outcome.survived.keys()].filter((i) => outcome.survived[i]);
    for (let first = 0; first < standing.length; first += victim.batchSize) {
      attackBatch(victim, setting, standing.slice(first, first + victim.batchSize), restart, outcome);
      await onImages(
        victim.clean.length - standing.length + Math.min(first + victim.batchSize, standing.length),
      );
    }
  }
  await onImages(victim.clean.length);
  return outcome;
}
