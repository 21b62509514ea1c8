/** Gradients as one Parquet file with columns `image`, `target` (the class) and `gradient` (a list of floats), decoded. */
import { rm } from 'node:fs/promises';
import { type ColumnSource, fileWriter, ParquetWriter } from 'hyparquet-writer';
import { publishFile, temporaryName, translateDiskError } from '../atomic-file.ts';
import type { GradientReader } from './gradient-reader.ts';
import type { GradientBatch } from './read-batches.ts';
import { gradientLength } from './store-layout.ts';

const SCHEMA: ConstructorParameters<typeof ParquetWriter>[0]['schema'] = [
  { name: 'root', num_children: 3 },
  { name: 'image', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'target', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'gradient', repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
];

/** A row group for each record batch of the store. Memory: one of them, as JavaScript numbers. */
export async function exportParquet(
  reader: GradientReader,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const writer = new ParquetWriter({
      writer: fileWriter(temporary),
      schema: SCHEMA,
      createdBy: 'pag-pipeline',
      kvMetadata: [{ key: 'shape', value: JSON.stringify(reader.info.shape) }],
    });
    for await (const batch of reader.batches(signal)) await writer.write(rowGroupOf(reader, batch));
    await writer.finish();
    await publishFile(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw translateDiskError(error, path);
  }
}

/** The writer takes lists as JavaScript arrays only. Floats neither compress nor repeat, so nothing is tried. */
function rowGroupOf({ info }: GradientReader, { first, gradients, classes }: GradientBatch) {
  const length = gradientLength(info);
  const images = Int32Array.from(classes, (_, row) => first + Math.floor(row / info.targets));
  const lists = Array.from(classes, (_, row) =>
    Array.from(gradients.subarray(row * length, (row + 1) * length)),
  );
  return {
    columnData: [
      { name: 'image', data: images },
      { name: 'target', data: Int32Array.from(classes) },
      { name: 'gradient', data: lists, encoding: 'PLAIN', codec: 'UNCOMPRESSED', statistics: false },
    ] satisfies ColumnSource[],
    rowGroupSize: classes.length,
  };
}
