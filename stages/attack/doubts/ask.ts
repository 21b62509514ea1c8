/** How a classifier is looked at before it is attacked. */
import type { Answer, LossName } from '../../numerics/attacks/attack.ts';
import type { Oracle } from '../../numerics/attacks/oracle.ts';

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
