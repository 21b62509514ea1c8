/**
 * Writes fixed-width columns as an Arrow IPC file, batch after batch, through two buffers that are filled in place.
 * The metadata is encoded by apache-arrow; the bodies are laid by hand, because its builders take a value at a
 * time (20 MB/s) and its file writer keeps the whole file in memory.
 */
import { open, rm } from 'node:fs/promises';
import { MetadataVersion, type Schema } from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { BufferRegion, FieldNode, Message, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { publishFile, temporaryName, translateDiskError } from '../atomic-file.ts';
import {
  ALIGNMENT,
  type Column,
  type ColumnValues,
  layOut,
  rowBytes,
  toSchema,
  viewColumn,
} from './arrow-columns.ts';
import { CHECKSUM_BYTES, MAGIC, MESSAGE_PREFIX_BYTES } from './arrow-format.ts';
import { ArrowOutput } from './arrow-output.ts';
import { crc32 } from './crc32.ts';

/** Marks the start of a message; its length follows. */
const CONTINUATION = 0xffffffff;

/** What lies in the file, for its reader. */
export interface ArrowFileRecord {
  bytes: number;
  sha256: string;
  batches: { rows: number; offset: number; bytes: number; crc32: number }[];
}

/** Batches of one file: how many rows each has, and what to put into it. */
export interface BatchSource {
  /** Rows of each batch in order; together the file's rows. */
  rows: readonly number[];
  /**
   * Fills the columns of batch `index`, `values[c]` being those of column c. The arrays still hold the batch
   * before: every value must be set.
   */
  fill(index: number, values: readonly ColumnValues[]): void | Promise<void>;
  /** What the footer's schema says beyond the metadata, once all batches are written, such as their checksums. */
  closing?(batches: ArrowFileRecord['batches']): Record<string, string>;
}

/**
 * Writes `path` whole or not at all. The same input gives the same bytes. Memory: two batches.
 * @param metadata kept in the schema
 */
export async function writeArrowFile(
  path: string,
  columns: readonly Column[],
  metadata: Record<string, string>,
  source: BatchSource,
): Promise<ArrowFileRecord> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx');
    let record: ArrowFileRecord;
    try {
      record = await writeTo(new ArrowOutput(file), columns, metadata, source);
    } finally {
      await file.close();
    }
    await publishFile(temporary, path);
    return record;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw translateDiskError(error, path);
  }
}

async function writeTo(
  output: ArrowOutput,
  columns: readonly Column[],
  metadata: Record<string, string>,
  source: BatchSource,
): Promise<ArrowFileRecord> {
  let batches: ArrowFileRecord['batches'];
  try {
    batches = await writeBatches(output, columns, metadata, source);
  } catch (error) {
    await output.end().catch(() => undefined);
    throw error;
  }
  const sha256 = await output.end();
  return { bytes: output.position, sha256, batches };
}

/** Two buffers take turns: one is filled while the other is being written. */
async function writeBatches(
  output: ArrowOutput,
  columns: readonly Column[],
  metadata: Record<string, string>,
  source: BatchSource,
): Promise<ArrowFileRecord['batches']> {
  const head = Buffer.alloc(MESSAGE_PREFIX_BYTES);
  MAGIC.copy(head);
  output.writeFrame(head);
  output.writeFrame(encodeMessage(Message.from(toSchema(columns, metadata)), output.position));

  const { bytes: bodyBytes } = layOut(columns, Math.max(0, ...source.rows));
  const bodies = [makeBody(bodyBytes), makeBody(source.rows.length > 1 ? bodyBytes : 0)];
  const blocks: FileBlock[] = [];
  const batches: ArrowFileRecord['batches'] = [];
  for (const [index, rows] of source.rows.entries()) {
    const body = bodies[index % 2]!;
    await body.written;
    const { offsets, bytes } = layOut(columns, rows);
    clearPadding(columns, body.buffer, offsets, rows);
    await source.fill(
      index,
      columns.map((column, c) => viewColumn(column, body.buffer, offsets[c]!, rows)),
    );

    const start = output.position;
    const message = encodeMessage(Message.from(describeBatch(columns, offsets, rows), bytes), start);
    output.writeFrame(message);
    blocks.push(new FileBlock(message.length, bytes, start));

    const content = new Uint8Array(body.buffer, 0, bytes);
    const offset = output.position;
    body.written = output.write(content);
    batches.push({ rows, offset, bytes, crc32: crc32(content) });
  }
  output.writeFrame(endOfStream());
  const closing = source.closing?.(batches) ?? {};
  await output.write(encodeEnd(toSchema(columns, { ...metadata, ...closing }), blocks, output.frameCrc32));
  return batches;
}

/** Shared, so that the thread that takes the checksum sees it without a copy. */
function makeBody(bytes: number): { buffer: SharedArrayBuffer; written: Promise<unknown> } {
  return { buffer: new SharedArrayBuffer(bytes), written: Promise.resolve() };
}

/** Zeroes the bytes between the columns: the batch before, when it was longer, left its values there. */
function clearPadding(
  columns: readonly Column[],
  body: SharedArrayBuffer,
  offsets: number[],
  rows: number,
): void {
  for (const [c, column] of columns.entries()) {
    const end = offsets[c]! + rows * rowBytes(column);
    const paddingBytes = -end & (ALIGNMENT - 1);
    new Uint8Array(body, end, paddingBytes).fill(0);
  }
}

/** Nodes and buffers in depth-first order: a validity buffer (empty: nothing is null) and values for each. */
function describeBatch(columns: readonly Column[], offsets: number[], rows: number): RecordBatch {
  const nodes: FieldNode[] = [];
  const buffers: BufferRegion[] = [];
  for (const [c, column] of columns.entries()) {
    const offset = offsets[c]!;
    nodes.push(new FieldNode(rows, 0));
    buffers.push(new BufferRegion(offset, 0));
    if (column.width !== null) {
      nodes.push(new FieldNode(rows * column.width, 0));
      buffers.push(new BufferRegion(offset, 0));
    }
    buffers.push(new BufferRegion(offset, rows * rowBytes(column)));
  }
  return new RecordBatch(rows, nodes, buffers, null);
}

/** A message with its prefix, padded so that what follows it is aligned in the file. */
function encodeMessage(message: Message, position: number): Buffer {
  const content = Message.encode(message);
  const end = position + MESSAGE_PREFIX_BYTES + content.length;
  const bytes = Buffer.alloc(end - position + (-end & (ALIGNMENT - 1)));
  bytes.writeUInt32LE(CONTINUATION, 0);
  bytes.writeInt32LE(bytes.length - MESSAGE_PREFIX_BYTES, 4);
  bytes.set(content, MESSAGE_PREFIX_BYTES);
  return bytes;
}

/** What a reader of the file as a stream stops at. */
function endOfStream(): Buffer {
  const marker = Buffer.alloc(MESSAGE_PREFIX_BYTES);
  marker.writeUInt32LE(CONTINUATION, 0);
  return marker;
}

/**
 * Our checksums, the footer, its length and the closing magic. A footer is found by its length from the end, so that
 * others pass over what stands before it. apache-arrow hangs on a damaged footer or header: both are checked first.
 */
function encodeEnd(schema: Schema, blocks: FileBlock[], frameCrc32: number): Buffer {
  const footer = Footer.encode(new Footer(schema, MetadataVersion.V5, blocks, []));
  const checksums = Buffer.alloc(CHECKSUM_BYTES);
  checksums.writeUInt32LE(frameCrc32, 0);
  checksums.writeUInt32LE(crc32(footer), 4);
  const length = Buffer.alloc(4);
  length.writeInt32LE(footer.length, 0);
  return Buffer.concat([checksums, footer, length, MAGIC]);
}
