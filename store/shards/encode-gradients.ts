/** Turns gradients into the rows of a shard, batch by batch, and measures what the codec lost. */
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { type Column, type ColumnValues, rowBytes } from './arrow-columns.ts';
import type { BatchSource } from './arrow-writer.ts';
import { codecs } from './codecs.ts';
import { cosineLoss } from './cosine-loss.ts';
import { gradientLength, INDEX_COLUMNS, shardColumns } from './store-layout.ts';

/** Batches hold whole images and about so many bytes. */
const BATCH_BYTES = 2 << 20;

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
  firstImage: number,
  gradients: Float32Array,
  classes?: Uint16Array,
): { source: BatchSource; loss: { worst: number; sum: number } } {
  const columns = shardColumns(info);
  const loss = { worst: 0, sum: 0 };
  const codec = codecs[info.codec];
  const length = gradientLength(info);
  const rows = planBatches(columns, gradients.length / length, info.targets);
  const decoded = new Float32Array(length);
  let row = 0;
  const fill = (index: number, values: readonly ColumnValues[]) => {
    for (let i = 0; i < rows[index]!; i++, row++) {
      const image = firstImage + Math.floor(row / info.targets);
      const target = classes?.[row] ?? row % info.targets;
      const gradient = gradients.subarray(row * length, (row + 1) * length);
      requireFinite(gradient, image, target, directory);
      values[0]![i] = image;
      values[1]![i] = target;
      const stored = rowOf(columns, values, i);
      codec.encode(gradient, stored);
      codec.decode(stored, decoded);
      const rowLoss = cosineLoss(gradient, decoded);
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

/** Views of row `row` in the codec's columns. */
function rowOf(columns: readonly Column[], values: readonly ColumnValues[], row: number): ColumnValues[] {
  return columns.slice(INDEX_COLUMNS).map(({ width }, c) => {
    const size = width ?? 1;
    return values[INDEX_COLUMNS + c]!.subarray(row * size, (row + 1) * size);
  });
}

function requireFinite(gradient: Float32Array, image: number, target: number, directory: string): void {
  // 0 · x is 0 for finite x and NaN for all else: no branch per value.
  let probe = 0;
  for (let i = 0; i < gradient.length; i++) probe += 0 * gradient[i]!;
  if (probe === 0) return;
  const at = gradient.findIndex((value) => !Number.isFinite(value));
  const message = `Expected the gradient of image ${image} towards target ${target} to be finite, found ${gradient[at]} at value ${at} of ${gradient.length} (gradient store ${directory}). Look at that image and at the score model, which may have diverged (a lower score.learningRate helps); finished shards are kept.`;
  throw new PipelineError('NOT_FINITE', message, { place: { artifact: directory } });
}
