/**
 * Reads images from a table on disk, synchronously, so that a split that does not fit into memory serves as one that
 * does. Each record batch is read whole when it is first touched, to check its CRC-32; from then on an image is one
 * positioned read.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { PipelineError } from '../../schemas/errors.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { describeColumns, rowBytes } from './arrow-columns.ts';
import {
  type ArrowBatch,
  type ArrowLayout,
  FileEndError,
  readArrowLayout,
  readFully,
} from './arrow-reader.ts';
import { crc32 } from './crc32.ts';
import { type Storage, tableColumns } from './table-columns.ts';

/** Labels are 16-bit numbers in memory. */
const LARGEST_LABEL = 65_535;

/** Errors of the system keep their own words, all others are about the file's content. */
export function translateTableError(error: unknown, path: string): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    const text = `Expected a table of images at ${path}, found no file. Run \`pipeline run dataset\` to make it again.`;
    return new PipelineError('DATA_MISSING', text, { cause: error });
  }
  if (syscall !== undefined) return error;
  const text = `Expected ${path} to be a table of images as the dataset stage writes it, found that ${message}. Remove it and run \`pipeline run dataset\` to make it again.`;
  return new PipelineError('DATA_DAMAGED', text, { cause: error });
}

/** Everything of a table but its images, and ways to those. */
export class ImageTable {
  readonly path: string;
  readonly shape: number[];
  readonly storage: Storage;
  readonly count: number;
  /** Class of each image; empty where the images have none. */
  readonly labels: Uint16Array;
  /** [count × 4], where there are any. */
  readonly regions: Float32Array | undefined;
  readonly #batches: readonly ArrowBatch[];
  readonly #checksums: readonly number[];
  readonly #isChecked: boolean[];
  readonly #imageBytes: number;
  /** Kept open once an image was read, for the life of the process. */
  #descriptor: number | undefined;
  /** Body of the batch that was checked last. */
  #body: { batch: number; bytes: Uint8Array } | undefined;

  private constructor(
    path: string,
    layout: ArrowLayout,
    rows: { labels: Uint16Array; regions?: Float32Array },
  ) {
    const { shape, storage } = formOf(layout);
    this.path = path;
    this.shape = shape;
    this.storage = storage;
    this.count = layout.batches.reduce((sum, batch) => sum + batch.rows, 0);
    this.labels = rows.labels;
    this.regions = rows.regions;
    this.#batches = layout.batches;
    this.#checksums = JSON.parse(layout.metadata.crc32 ?? '[]') as number[];
    this.#isChecked = layout.batches.map(() => false);
    this.#imageBytes = rowBytes(layout.columns[0]!);
  }

  /** @param size of the file, in bytes */
  static async open(path: string, file: FileHandle, size: number): Promise<ImageTable> {
    const layout = await readArrowLayout(file, size);
    const rows = await readRows(file, layout);
    return new ImageTable(path, layout, rows);
  }

  /** Bytes of all images. */
  get bytes(): number {
    return this.count * this.#imageBytes;
  }

  /** All images, each batch checked. */
  readAll(): Uint8Array | Float32Array {
    const bytes = new Uint8Array(this.bytes);
    this.read(0, this.count, bytes);
    this.close();
    return this.storage === 'uint8' ? bytes : new Float32Array(bytes.buffer);
  }

  /** Fills `out` with the bytes of images `first` … `first + count − 1`. */
  read(first: number, count: number, out: Uint8Array): void {
    const batchRows = this.#batches[0]?.rows ?? 1;
    try {
      for (let done = 0; done < count; ) {
        const index = Math.floor((first + done) / batchRows);
        const row = (first + done) % batchRows;
        const run = Math.min(count - done, this.#batches[index]!.rows - row);
        this.#readRun(index, row, out.subarray(done * this.#imageBytes, (done + run) * this.#imageBytes));
        done += run;
      }
    } catch (error) {
      throw translateTableError(error, this.path);
    }
  }

  /** Closes the file until it is read again. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#body = undefined;
  }

  #readRun(index: number, row: number, out: Uint8Array): void {
    const { offset, columnOffsets } = this.#batches[index]!;
    const start = columnOffsets[0]! + row * this.#imageBytes;
    if (!this.#isChecked[index]) this.#check(index);
    if (this.#body?.batch === index) {
      out.set(this.#body.bytes.subarray(start - offset, start - offset + out.length));
      return;
    }
    this.#readFully(out, start);
  }

  #check(index: number): void {
    const { offset, bytes } = this.#batches[index]!;
    const kept = this.#body?.bytes;
    const body = kept !== undefined && kept.length === bytes ? kept : new Uint8Array(bytes);
    this.#body = undefined;
    this.#readFully(body, offset);
    if (crc32(body) !== this.#checksums[index]) {
      throw new Error('its content has another CRC-32 than when it was written');
    }
    this.#isChecked[index] = true;
    this.#body = { batch: index, bytes: body };
  }

  #readFully(out: Uint8Array, position: number): void {
    this.#descriptor ??= openSync(this.path, 'r');
    for (let done = 0; done < out.length; ) {
      const read = readSync(this.#descriptor, out, done, out.length - done, position + done);
      if (read === 0) throw new FileEndError(fstatSync(this.#descriptor).size);
      done += read;
    }
  }
}

/** Shape and storage of the images; throws where the columns are not those of such a table. */
function formOf({ columns, metadata }: ArrowLayout): { shape: number[]; storage: Storage } {
  const shape = JSON.parse(metadata.shape ?? '[]') as number[];
  const storage = columns[0]?.kind === 'float32' ? 'float32' : 'uint8';
  const size = sizeOf(shape);
  const names = columns.map(({ name }) => name);
  const isOurs = names[0] === 'image' && columns[0]!.width !== null;
  const optional = {
    isLabelled: !isOurs || names.includes('label'),
    hasRegions: names.includes('region'),
  };
  const [expected, found] = [tableColumns(storage, size, optional), columns].map(describeColumns);
  if (expected !== found) throw new Error(`its columns are ${found} instead of ${expected}`);
  return { shape, storage };
}

/** Labels and regions of all rows, checked. */
async function readRows(
  file: FileHandle,
  layout: ArrowLayout,
): Promise<{ labels: Uint16Array; regions?: Float32Array }> {
  formOf(layout);
  const { columns, batches, metadata } = layout;
  const count = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const [labelColumn, regionColumn] = ['label', 'region'].map((wanted) =>
    columns.findIndex(({ name }) => name === wanted),
  ) as [number, number];
  const labels = new Uint16Array(labelColumn < 0 ? 0 : count);
  const regions = new Float32Array(regionColumn < 0 ? 0 : count * 4);
  let row = 0;
  for (const batch of batches) {
    if (labelColumn >= 0) labels.set(await readLabels(file, batch, labelColumn), row);
    if (regionColumn >= 0) {
      const part = regions.subarray(row * 4, (row + batch.rows) * 4);
      await readFully(file, bytesOf(part), batch.columnOffsets[regionColumn]!);
    }
    row += batch.rows;
  }
  if (String(crc32(bytesOf(regions), crc32(bytesOf(labels)))) !== metadata.rowsCrc32) {
    throw new Error('its content has another CRC-32 than when it was written');
  }
  return { labels, ...(regionColumn < 0 ? {} : { regions }) };
}

async function readLabels(file: FileHandle, batch: ArrowBatch, column: number): Promise<Int32Array> {
  const labels = new Int32Array(batch.rows);
  await readFully(file, bytesOf(labels), batch.columnOffsets[column]!);
  const wrong = labels.find((label) => label < 0 || label > LARGEST_LABEL);
  if (wrong !== undefined) throw new Error(`it has a label ${wrong}, beyond 0 to ${LARGEST_LABEL}`);
  return labels;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
