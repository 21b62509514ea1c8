/** Target gradients from the store, whichever classes it holds for each image. */
import { sizeOf } from '../../schemas/shape.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { GradientReader } from '../../store/shards/gradient-reader.ts';

/** All targets of some images. */
export interface StoredTargets {
  /** [images × targets] */
  classes: Uint16Array;
  /** [images × targets × size] */
  values: Float32Array;
}

export async function storedTargets(
  reader: GradientReader,
  images: readonly number[],
): Promise<StoredTargets> {
  const { targets, shape } = reader.info;
  const size = sizeOf(shape);
  const values = new Float32Array(images.length * targets * size);
  const slots = Array.from({ length: targets }, (_, slot) => slot);
  const rows = images.flatMap((image) => slots.map((target) => ({ image, target })));
  await reader.read(rows, values);
  return { classes: await reader.classesOf(images), values };
}

/** The same by class, [images × classes × size]; zeros towards classes that an image has no target of. */
export async function targetsByClass(
  { info, size }: Dataset,
  reader: GradientReader,
  images: readonly number[],
): Promise<Float32Array> {
  const count = info.classNames.length;
  const { classes, values } = await storedTargets(reader, images);
  const out = new Float32Array(images.length * count * size);
  classes.forEach((label, row) => {
    const image = Math.floor(row / reader.info.targets);
    out.set(values.subarray(row * size, (row + 1) * size), (image * count + label) * size);
  });
  return out;
}

/** Of two classes: the target of each image towards the one that is not its own, where the store has it. */
export async function targetsOfOthers(
  { train, size }: Dataset,
  reader: GradientReader,
  images: readonly number[],
): Promise<{ image: number; other: number; stored: Float32Array }[]> {
  const { classes, values } = await storedTargets(reader, images);
  return Array.from(classes, (label, row) => ({
    image: images[Math.floor(row / reader.info.targets)]!,
    other: label,
    stored: values.subarray(row * size, (row + 1) * size),
  })).filter(({ image, other }) => other !== train.labels[image]);
}
