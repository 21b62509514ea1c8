/** Runs one attack on one classifier, image by image as far as the outcome goes, in batches as far as speed goes. */

import type { AttackSetting } from '../../schemas/attack-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { type Attack, classOf } from '../numerics/attacks/attack.ts';
import { norms } from '../numerics/attacks/norms.ts';
import { type LogitsOf, makeOracle } from '../numerics/attacks/oracle.ts';
import { problemsOf } from '../numerics/attacks/problems.ts';
import { attackOf } from '../numerics/attacks/registry.ts';
import { AttackRun } from '../numerics/attacks/run-attacks.ts';
import { randomStream } from '../numerics/tensor/random.ts';

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

/**
 * Attacks every image that is still standing, restart after restart.
 *
 * @param onImages called between batches with the number of images done
 */
export async function evaluate(
  victim: Victim,
  setting: AttackSetting,
  onImages: (done: number) => Promise<void>,
): Promise<Outcome> {
  const outcome = begin(victim, setting);
  const { dataset, seed, clean, batchSize } = victim;
  const { test, info } = dataset;
  const oracle = makeOracle(victim.logitsOf, info.shape, info.classNames.length);
  const standing = [...outcome.survived.keys()].filter((i) => outcome.survived[i]);
  const problemOf = problemsOf({
    images: test.gather(standing),
    labels: standing.map((image) => test.labels[image]!),
    shape: info.shape,
    norm: norms[setting.norm],
    eps: setting.eps,
    box: info.box,
    randomOf: (i, restart) => randomStream(seed, 'attack-start', standing[i]!, restart),
  });
  const run = new AttackRun(
    standing.length,
    new Array<Attack>(setting.restarts ?? 1).fill(attackOf(setting)),
    oracle,
    (i, restart) => ({
      ...problemOf(i, restart),
      target: setting.targeted ? outcome.target[standing[i]!]! : null,
    }),
    { batchSize },
  );
  while (run.step()) await onImages(clean.length - standing.length + run.settled);
  run.results().forEach(({ x, isAdversarial }, i) => {
    const image = standing[i]!;
    const [answer] = oracle.ask([{ query: { x, loss: null }, label: test.labels[image]! }]);
    outcome.prediction[image] = classOf(answer!.logits);
    outcome.distance[image] = norms[setting.norm].distance(test.slice(image, 1), x);
    outcome.survived[image] = !isAdversarial;
  });
  oracle.dispose();
  await onImages(clean.length);
  return outcome;
}
