/** What the dataset stage leaves behind, and what every later stage may rely on. */
import * as z from 'zod';

/** `dataset.json` of a dataset artifact; `train.arrow` and `test.arrow` hold columns `image` and `label`. */
export const datasetInfoSchema = z.object({
  name: z.string(),
  /** [height, width, channels] of an image, [dimensions] of a point. Row-major, channels last. */
  shape: z.array(z.number().int().positive()),
  /** `uint8`: bytes that stand for [0, 1]; `float32`: raw coordinates. */
  storage: z.enum(['uint8', 'float32']),
  /** Attacks stay inside this box; null where the data has no bounds. */
  box: z.tuple([z.number(), z.number()]).nullable(),
  classNames: z.array(z.string()),
  trainCount: z.number().int(),
  testCount: z.number().int(),
  /** Where the data comes from, and the checksums of the files that were read. */
  sources: z.array(z.object({ name: z.string(), bytes: z.number().int(), sha256: z.string() })),
  provenance: z.string(),
});
export type DatasetInfo = z.infer<typeof datasetInfoSchema>;

/** A split in memory: `images` holds count × product(shape) values, `labels` one class index each. */
export interface RawSplit {
  images: Uint8Array | Float32Array;
  labels: Uint16Array;
}
