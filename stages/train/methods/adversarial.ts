/**
 * What adversarial training shows the network: the images of a batch, moved to where its loss is largest.
 * The attack sees the network in evaluation mode, with running statistics and without dropout, because this is the
 * network that will be attacked later; the training pass on what it finds is in training mode.
 */
import { type Norm, norms } from '../../numerics/attacks/norms.ts';
import { type LogitsOf, makeOracle } from '../../numerics/attacks/oracle.ts';
import { type PgdOptions, pgd } from '../../numerics/attacks/pgd.ts';
import { problemsOf } from '../../numerics/attacks/problems.ts';
import { AttackRun } from '../../numerics/attacks/run-attacks.ts';
import { tf } from '../../numerics/tensor/tf.ts';
import type { StepBatch } from './method.ts';

/** An attack on training images; lengths in the data's units. */
export interface TrainingAttack extends Pick<PgdOptions, 'steps' | 'stepSize' | 'randomStart'> {
  norm: Norm['name'];
  eps: number;
}

/** Adversarial images [batch, ...shape]: all steps are made, also past the border to another class. */
export function adversarialImages(
  { x, labels, oneHot, box, randomOf }: StepBatch,
  evaluate: LogitsOf,
  { norm, eps, ...steps }: TrainingAttack,
): tf.Tensor {
  const shape = x.shape.slice(1);
  const images = x.dataSync() as Float32Array;
  const attack = pgd({ ...steps, keepClimbing: true });
  const oracle = makeOracle(evaluate, shape, oneHot.shape[1], { changes: true });
  const problems = problemsOf({ images, labels, shape, norm: norms[norm], eps, box, randomOf });
  const run = new AttackRun(labels.length, [attack], oracle, problems, { batchSize: labels.length });
  while (run.step());
  const found = new Float32Array(images.length);
  run.results().forEach((result, i) => {
    found.set(result.x, i * result.x.length);
  });
  return tf.tensor(found, x.shape);
}
