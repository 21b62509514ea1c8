/** Everything that a reader gives back, read at once. */
import type { DatasetSource, SplitSource } from '../../../store/datasets/dataset-source.ts';

export interface WholeSplit {
  images: Uint8Array;
  labels: Uint16Array;
  regions: Float32Array;
}

/** All images of a split, or those with the given indices. */
export async function wholeSplit(split: SplitSource, indices?: number[]): Promise<WholeSplit> {
  const wanted = Uint32Array.from(indices ?? Array.from({ length: split.count }, (_, i) => i));
  const images: Uint8Array[] = [];
  const regions: number[] = [];
  for await (const block of split.read(wanted)) {
    images.push(Uint8Array.from(block.images));
    regions.push(...(block.regions ?? []));
  }
  const labels = split.labels ?? new Uint16Array(0);
  return { images: Buffer.concat(images), labels, regions: Float32Array.from(regions) };
}

/** A data set with its training and test images in memory. */
export async function inMemory(
  source: DatasetSource,
): Promise<Omit<DatasetSource, 'train' | 'test'> & { train: WholeSplit; test: WholeSplit }> {
  const { shape, classNames, provenance } = source;
  const train = await wholeSplit(source.train);
  const test = await wholeSplit(source.test);
  return { shape, classNames, provenance, train, test, sources: source.sources };
}
