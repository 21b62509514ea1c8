/** A small data set, and targets of all its classes. */
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import type { TargetMaker } from '../../../stages/precompute/target-maker.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { datasetArtifact } from '../../support/stage-context.ts';

export const SHAPE = [2, 6, 1];
export const SIZE = 12;
export const CLASSES = 3;
export const COUNT = 60;
export const nothing = async () => {};

/** Image i is of class i mod 3; image 7 is a copy of image 4 of its class. */
export async function smallDataset(): Promise<Dataset> {
  const random = randomStream(7, 'data');
  const images = Uint8Array.from({ length: COUNT * SIZE }, () => random.integer(256));
  images.copyWithin(7 * SIZE, 4 * SIZE, 5 * SIZE);
  const labels = Uint16Array.from({ length: COUNT }, (_, i) => i % CLASSES);
  return readDataset(await datasetArtifact(SHAPE, CLASSES, { images, labels }));
}

/** All classes of each image. */
export function everyClass(count: number, classes = CLASSES): Uint16Array {
  return Uint16Array.from({ length: count * classes }, (_, row) => row % classes);
}

/** Targets of images `first` … towards all classes. */
export function targetsOf(
  maker: TargetMaker,
  first: number,
  count: number,
  classes = everyClass(count),
): Promise<Float32Array> {
  return maker.compute({ first, count, classes, onImage: nothing });
}

/** Row k of image i among those that were asked for. */
export function rowOf(values: Float32Array, i: number, k: number, targets = CLASSES): number[] {
  return [...values.subarray((i * targets + k) * SIZE, (i * targets + k + 1) * SIZE)];
}
