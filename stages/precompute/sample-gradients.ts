/** A few of the gradients that a store will hold, spread over images and classes, to look at before it is filled. */
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { TargetClasses } from './target-classes.ts';
import type { TargetMaker } from './target-maker.ts';

const IMAGES = 4;
/** Of each image. */
const TARGETS = 10;

/** @returns `data`: [gradients × size], image-major */
export async function sampleGradients(
  maker: TargetMaker,
  targets: TargetClasses,
  { train, size }: Pick<Dataset, 'train' | 'size'>,
): Promise<{ data: Float32Array; images: number; gradients: number }> {
  const images = Math.min(IMAGES, train.count);
  const perImage = Math.min(TARGETS, targets.perImage);
  const data = new Float32Array(images * perImage * size);
  for (let i = 0; i < images; i++) {
    const first = Math.floor((i * train.count) / images);
    const all = targets.of(first, 1);
    const classes = Uint16Array.from(
      { length: perImage },
      (_, k) => all[Math.floor((k * all.length) / perImage)]!,
    );
    data.set(await maker.compute({ first, count: 1, classes, onImage: async () => {} }), i * perImage * size);
  }
  return { data, images, gradients: images * perImage };
}
