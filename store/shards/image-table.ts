/**
 * A split of a data set as one Arrow IPC file with columns `image` and `label`, which other programs open as it is.
 * Shape and checksums stand in the schema's metadata: Arrow itself notices no flipped byte.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { RawSplit } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { type Column, describeColumns, rowBytes } from './arrow-columns.ts';
import { type ArrowBatch, readArrowLayout, readFully } from './arrow-reader.ts';
import { writeArrowFile } from './arrow-writer.ts';
import { crc32 } from './crc32.ts';

/** Record batches hold about so many bytes. */
const BATCH_BYTES = 2 << 20;
/** Labels are 16-bit numbers in memory. */
const LARGEST_LABEL = 65_535;

/**
 * Writes a split to `path`, whole or not at all; the same split gives the same bytes.
 * @param shape of one image
 * @param storage type of the values, which must be that of `split.images`
 */
export async function writeImageTable(
  path: string,
  split: RawSplit,
  shape: number[],
  storage: 'uint8' | 'float32',
): Promise<void> {
  const { images, labels } = split;
  const size = product(shape);
  const found = images instanceof Uint8Array ? 'uint8' : 'float32';
  if (found !== storage || images.length !== labels.length * size) {
    const expected = `${labels.length} images of ${size} ${storage} values`;
    throw new RangeError(`Expected ${expected} for ${path}, got ${images.length} ${found} values.`);
  }
  const columns = tableColumns(storage, size);
  const batchRows = Math.max(1, Math.floor(BATCH_BYTES / rowBytes(columns[0]!)));
  const rows = Array.from({ length: Math.ceil(labels.length / batchRows) }, (_, batch) =>
    Math.min(batchRows, labels.length - batch * batchRows),
  );
  const metadata = { shape: JSON.stringify(shape), crc32: checksum(split) };
  await writeArrowFile(path, columns, metadata, {
    rows,
    fill(index, values) {
      const first = index * batchRows;
      const end = first + rows[index]!;
      values[0]!.set(images.subarray(first * size, end * size));
      values[1]!.set(labels.subarray(first, end));
    },
  });
}

function tableColumns(storage: 'uint8' | 'float32', size: number): Column[] {
  return [
    { name: 'image', kind: storage, width: size },
    { name: 'label', kind: 'int32', width: null },
  ];
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, side) => size * side, 1);
}

/** CRC-32 of the images' bytes followed by the labels', in decimal. */
function checksum({ images, labels }: RawSplit): string {
  return String(crc32(bytesOf(labels), crc32(bytesOf(images))));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Reads what {@link writeImageTable} wrote. Throws `DATA_MISSING` without a file, and `DATA_DAMAGED` where it is
 * cut off, was changed, or is something else.
 */
export async function readImageTable(path: string): Promise<RawSplit & { shape: number[] }> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    return await readTable(file, (await file.stat()).size);
  } catch (error) {
    throw translate(error, path);
  } finally {
    await file?.close();
  }
}

/** Errors of the system keep their own words, all others are about the file's content. */
function translate(error: unknown, path: string): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    const text = `Expected a table of images at ${path}, found no file. Run \`pipeline run dataset\` to make it again.`;
    return new PipelineError('DATA_MISSING', text, { cause: error });
  }
  if (syscall !== undefined) return error;
  const text = `Expected ${path} to be a table of images as the dataset stage writes it, found that ${message}. Remove it and run \`pipeline run dataset\` to make it again.`;
  return new PipelineError('DATA_DAMAGED', text, { cause: error });
}

async function readTable(file: FileHandle, size: number): Promise<RawSplit & { shape: number[] }> {
  const layout = await readArrowLayout(file, size);
  const shape = JSON.parse(layout.metadata.shape ?? '[]') as number[];
  const storage = layout.columns[0]?.kind === 'float32' ? 'float32' : 'uint8';
  const [expected, found] = [tableColumns(storage, product(shape)), layout.columns].map(describeColumns);
  if (expected !== found) throw new Error(`its columns are ${found} instead of ${expected}`);

  const count = layout.batches.reduce((sum, batch) => sum + batch.rows, 0);
  const values = count * product(shape);
  const images = storage === 'uint8' ? new Uint8Array(values) : new Float32Array(values);
  const labels = new Uint16Array(count);
  const bytes = new Uint8Array(images.buffer);
  let row = 0;
  for (const batch of layout.batches) {
    const rowSize = rowBytes(layout.columns[0]!);
    await readFully(
      file,
      bytes.subarray(row * rowSize, (row + batch.rows) * rowSize),
      batch.columnOffsets[0]!,
    );
    labels.set(await readLabels(file, batch), row);
    row += batch.rows;
  }
  if (checksum({ images, labels }) !== layout.metadata.crc32) {
    throw new Error('its content has another CRC-32 than when it was written');
  }
  return { images, labels, shape };
}

async function readLabels(file: FileHandle, batch: ArrowBatch): Promise<Int32Array> {
  const labels = new Int32Array(batch.rows);
  await readFully(file, new Uint8Array(labels.buffer), batch.columnOffsets[1]!);
  const wrong = labels.find((label) => label < 0 || label > LARGEST_LABEL);
  if (wrong !== undefined) throw new Error(`it has a label ${wrong}, beyond 0 to ${LARGEST_LABEL}`);
  return labels;
}
