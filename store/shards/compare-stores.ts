/** Compares two gradient stores row by row: 1 − cos of the angle, which is all that training uses of a gradient. */
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { cosineLoss } from './cosine-loss.ts';
import type { GradientReader } from './gradient-reader.ts';
import { gradientLength } from './store-layout.ts';

export interface StoreDifference {
  rows: number;
  /** Rows whose decoded values are not all equal. */
  different: number;
  meanCosineLoss: number;
  /** The row of the largest 1 − cos. */
  worst: { cosineLoss: number; image: number; targetClass: number };
}

/** Why two stores cannot be compared, in words; null where they can. */
export function misfitOf(one: GradientStoreInfo, other: GradientStoreInfo): string | null {
  const sizes = (info: GradientStoreInfo) =>
    `${info.images} images x ${info.targets} targets of ${info.shape.join('x')}`;
  return sizes(one) === sizes(other) ? null : `${sizes(one)} and ${sizes(other)}`;
}

/**
 * Memory: a record batch of the first, and as many rows of the other.
 * @returns the first image whose rows lead towards different classes instead, where there is one
 */
export async function compareStores(
  one: GradientReader,
  other: GradientReader,
): Promise<StoreDifference | { image: number }> {
  const { images, targets } = one.info;
  const length = gradientLength(one.info);
  const rows = images * targets;
  let sum = 0;
  const result: StoreDifference = {
    rows,
    different: 0,
    meanCosineLoss: 0,
    worst: { cosineLoss: -1, image: 0, targetClass: 0 },
  };
  for await (const { first, images: count, gradients, classes } of one.batches()) {
    const place = (row: number) => first + Math.floor(row / targets);
    const theirClasses = await other.classesOf(Array.from({ length: count }, (_, i) => first + i));
    const differing = classes.findIndex((index, row) => index !== theirClasses[row]);
    if (differing >= 0) return { image: place(differing) };
    const theirs = new Float32Array(gradients.length);
    const wanted = Array.from(classes, (_, row) => ({ image: place(row), target: row % targets }));
    await other.read(wanted, theirs);
    for (let row = 0; row < classes.length; row++) {
      const [a, b] = [gradients, theirs].map((values) =>
        values.subarray(row * length, (row + 1) * length),
      ) as [Float32Array, Float32Array];
      if (a.some((value, i) => value !== b[i])) result.different++;
      const loss = cosineLoss(a, b);
      sum += loss;
      if (loss > result.worst.cosineLoss)
        result.worst = { cosineLoss: loss, image: place(row), targetClass: classes[row]! };
    }
  }
  return { ...result, meanCosineLoss: sum / rows };
}
