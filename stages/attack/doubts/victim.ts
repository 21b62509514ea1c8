/** Doubts about the classifier, which is looked at before it is attacked. */
import type { AttackSetting } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';
import { type Answer, classOf, type LossName } from '../../numerics/attacks/attack.ts';
import type { Oracle } from '../../numerics/attacks/oracle.ts';
import { classDoubts } from './classes.ts';
import { gradientDoubts } from './gradients.ts';
import { outputDoubts } from './outputs.ts';
import { reachDoubts } from './reach.ts';

/** A classifier and images to try it on. */
export interface Victim {
  oracle: Oracle;
  /** Each [size]; a hundred are enough, and all that are given are looked at. */
  images: readonly Float32Array[];
  /** True classes. */
  labels: ArrayLike<number>;
  box: readonly [number, number] | null;
  /** Points asked for at a time. */
  batchSize: number;
  /** What a randomised classifier does to its input, in place; `draw` numbers the times that it is asked. */
  disturb?(x: Float32Array, image: number, draw: number): void;
}

/** @param settings the attacks to come: some doubts are about them */
export function victimDoubts(victim: Victim, settings: readonly AttackSetting[]): Doubt[] {
  if (settings.length === 0 || victim.images.length === 0) return [];
  const images = [...victim.images.keys()];
  const clean = answersAt(victim, images, victim.images, null, 0);
  const right = images.filter((i) => classOf(clean[i]!.logits) === victim.labels[i]);
  return [
    ...outputDoubts(victim, clean, settings),
    ...gradientDoubts(victim, right),
    ...reachDoubts(victim, right),
    ...classDoubts(victim.oracle.classes, settings),
  ];
}

/** Asks for points of some of the images, batch after batch. */
export function answersAt(
  { oracle, labels, batchSize, disturb }: Victim,
  images: readonly number[],
  points: readonly Float32Array[],
  loss: LossName | null,
  draw: number,
): Answer[] {
  const questions = images.map((image, i) => {
    const x = points[i]!.slice();
    disturb?.(x, image, draw);
    return { query: { x, loss }, label: labels[image]! };
  });
  const answers: Answer[] = [];
  for (let first = 0; first < questions.length; first += batchSize) {
    answers.push(...oracle.ask(questions.slice(first, first + batchSize)));
  }
  return answers;
}
