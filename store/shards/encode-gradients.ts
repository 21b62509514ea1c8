/** Turns gradients into the rows of a shard, batch by batch, and measures what the codec lost. */
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { type Column, rowBytes } from './arrow-columns.ts';
import type { BatchSource } from './arrow-writer.ts';
import type { Encoder } from './codecs/codec.ts';
import { gradientLength, INDEX_COLUMNS, shardColumns } from './store-layout.ts';

/** Batches hold whole images and about so many bytes. */
const BATCH_BYTES = 512 << 10;

/**
 * The batches of a shard, and what the codec lost in those filled so far (1 − cos, worst and sum over rows).
 * Filling throws `NOT_FINITE` at a gradient with NaN or infinity.
 * @param directory for messages
 * @param gradients [images, targets, ...shape] flattened, from image `firstImage` on
 * @param classes [images, targets], where they are not every class in order
 */
export function encodeGradients(
  directory: string,
  info: GradientStoreInfo,
  encoder: Encoder,
  firstImage: number,
  gradients: Float32Array,
  classes?: Uint16Array,
): { source: BatchSource; loss: { worst: number; sum: number } } {
  const columns = shardColumns(info);
  const loss = { worst: 0, sum: 0 };
  const length = gradientLength(info);
  const rows = planBatches(columns, gradients.length / length, info.targets);
  let row = 0;
  const fill: BatchSource['fill'] = (index, values) => {
    const stored = values.slice(INDEX_COLUMNS);
    for (let i = 0; i < rows[index]!; i++, row++) {
      const image = firstImage + Math.floor(row / info.targets);
      const target = classes?.[row] ?? row % info.targets;
      const rowLoss = encoder.encode(gradients, row * length, stored, i);
      if (Number.isNaN(rowLoss)) {
        throw notFinite(gradients.subarray(row * length, (row + 1) * length), image, target, directory);
      }
      values[0]![i] = image;
      values[1]![i] = target;
      loss.sum += rowLoss;
      loss.worst = Math.max(loss.worst, rowLoss);
    }
  };
  return { source: { rows, fill }, loss };
}

/** Rows of each batch: as many whole images as {@link BATCH_BYTES} hold, at least one. */
function planBatches(columns: readonly Column[], rows: number, targets: number): number[] {
  const imageBytes = targets * columns.reduce((sum, column) => sum + rowBytes(column), 0);
  const batchRows = targets * Math.max(1, Math.floor(BATCH_BYTES / imageBytes));
  return Array.from({ length: Math.ceil(rows / batchRows) }, (_, i) =>
    Math.min(batchRows, rows - i * batchRows),
  );
}

function notFinite(gradient: Float32Array, image: number, target: number, directory: string): PipelineError {
  const at = gradient.findIndex((value) => !Number.isFinite(value));
  const message = `Expected the gradient of image ${image} towards target ${target} to be finite, found ${gradient[at]} at value ${at} of ${gradient.length} (gradient store ${directory}). Look at that image and at the score model, which may have diverged (a lower score.learningRate helps); finished shards are kept.`;
  return new PipelineError('NOT_FINITE', message, { place: { artifact: directory } });
}
