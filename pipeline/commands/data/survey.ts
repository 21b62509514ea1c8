/** One pass over a split: its statistics, and the images that are to be looked at. */
import type { ImageBlock, SplitStatistics } from '../../../schemas/dataset.ts';
import { sizeOf } from '../../../schemas/shape.ts';
import { countLabels, imageStatistics } from '../../../store/datasets/image-statistics.ts';
import type { OpenedDataset, OpenSplit } from './open-dataset.ts';

export interface SplitSurvey {
  images: number;
  statistics: SplitStatistics;
}

/**
 * @param wanted places of images in the split
 * @param tell called with the number of images seen
 * @returns what is known of the split, and the wanted images by place
 */
export async function survey(
  { info }: OpenedDataset,
  { labels, blocks }: OpenSplit,
  wanted: ReadonlySet<number>,
  tell: (done: number) => void,
): Promise<{ found: SplitSurvey; pictures: Map<number, ImageBlock['images']> }> {
  const size = sizeOf(info.shape);
  const gathered = imageStatistics(info.storage, info.shape.at(-1)!);
  const pictures = new Map<number, ImageBlock['images']>();
  let seen = 0;
  for await (const { images } of blocks) {
    gathered.add(images);
    for (let i = 0; i < images.length / size; i++) {
      if (wanted.has(seen + i)) pictures.set(seen + i, images.slice(i * size, (i + 1) * size));
    }
    seen += images.length / size;
    tell(seen);
  }
  const counts = labels === null ? {} : { counts: countLabels(labels, info.classNames.length) };
  const none = { mean: [], std: [], min: [], max: [] };
  return { found: { images: seen, statistics: { ...counts, ...(gathered.result() ?? none) } }, pictures };
}

/** `count` of the images, evenly over the split, whose order may be that of the classes. */
export function evenly(places: ArrayLike<number>, count: number): number[] {
  const taken = Math.min(count, places.length);
  return Array.from({ length: taken }, (_, i) => places[Math.floor((i * places.length) / taken)]!);
}
