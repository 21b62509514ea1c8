/** The problems of images that lie one behind the other in an array. */
import { sizeOf } from '../../../schemas/shape.ts';
import type { RandomStream } from '../tensor/random.ts';
import type { Problem } from './attack.ts';
import type { ProblemOf } from './run-attacks.ts';

/** What attacks on images of an array share, and what is each image's own. */
export interface AttackedImages extends Pick<Problem, 'shape' | 'norm' | 'eps' | 'box'> {
  /** [count × size] */
  images: Float32Array;
  /** True classes, [count]. */
  labels: ArrayLike<number>;
  randomOf(image: number, attempt: number): RandomStream;
}

/** Untargeted, and without the logits of the clean images, which FGSM, R+FGSM and PGD do not look at. */
export function problemsOf({ images, labels, randomOf, ...shared }: AttackedImages): ProblemOf {
  const size = sizeOf(shared.shape);
  return (image, attempt) => ({
    ...shared,
    image: images.subarray(image * size, (image + 1) * size),
    label: labels[image]!,
    target: null,
    cleanLogits: new Float32Array(0),
    random: randomOf(image, attempt),
  });
}
