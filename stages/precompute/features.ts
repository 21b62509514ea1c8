/** The space in which neighbours are searched: pixels, or what a classifier makes of an image. */
import type { PrecomputeConfig } from '../../schemas/precompute-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { readNamedClassifier } from './named-models.ts';
import { outputsOf } from './outputs.ts';

/** One vector for each training image. */
export interface Features {
  /** In words. */
  name: string;
  width: number;
  /** Copies the vectors of these images, [images × width]. */
  gather(images: Uint32Array): Float32Array;
}

/** Images that go through the classifier at a time. */
const BATCH = 1024;

export function pixelFeatures({ train, size }: Dataset): Features {
  return { name: 'pixels', width: size, gather: (images) => train.gather(images) };
}

/** Vectors of all training images, which stay in memory: 4 · width bytes for each. */
export async function classifierFeatures(
  dataset: Dataset,
  config: NonNullable<PrecomputeConfig['features']>,
): Promise<Features> {
  const { logitsOf, featuresOf } = await readNamedClassifier(config, 'precompute.features', dataset);
  const outputs = config.layer === 'logits' ? logitsOf : featuresOf();
  const { count } = dataset.train;
  const parts: Float32Array[] = [];
  for (let first = 0; first < count; first += BATCH) {
    parts.push(outputsOf(outputs, dataset, first, Math.min(BATCH, count - first)));
  }
  const width = parts[0]!.length / Math.min(BATCH, count);
  const vector = (image: number) => {
    const start = (image % BATCH) * width;
    return parts[Math.floor(image / BATCH)]!.subarray(start, start + width);
  };
  return {
    name: `${config.layer} features`,
    width,
    gather(images) {
      const out = new Float32Array(images.length * width);
      images.forEach((image, i) => {
        out.set(vector(image), i * width);
      });
      return out;
    },
  };
}
