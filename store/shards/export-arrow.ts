/** Gradients as one Arrow IPC file with columns `image`, `target` (the class) and `gradient`, decoded. */
import { writeArrowFile } from './arrow-writer.ts';
import type { GradientReader } from './gradient-reader.ts';
import { countShards, gradientLength, readShardRecord } from './store-layout.ts';

/** Record batches are those of the store. Memory: one of them, and what the reader holds. */
export async function exportArrow(
  reader: GradientReader,
  directory: string,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const { info } = reader;
  const columns = [
    { name: 'image', kind: 'int32', width: null },
    { name: 'target', kind: 'int32', width: null },
    { name: 'gradient', kind: 'float32', width: gradientLength(info) },
  ] as const;
  const rows: number[] = [];
  for (let shard = 0; shard < countShards(info); shard++) {
    // A shard without record is named by the reader, when it comes to it.
    const record = await readShardRecord(directory, info, shard);
    rows.push(...(record?.batches ?? []).map((batch) => batch.rows));
  }
  const batches = reader.batches(signal);
  const metadata = { shape: JSON.stringify(info.shape) };
  try {
    await writeArrowFile(path, columns, metadata, {
      rows,
      async fill(_, values) {
        const batch = (await batches.next()).value!;
        const images = values[0]!;
        for (let row = 0; row < images.length; row++)
          images[row] = batch.first + Math.floor(row / info.targets);
        values[1]!.set(batch.classes);
        values[2]!.set(batch.gradients);
      },
    });
  } finally {
    await batches.return();
  }
}
