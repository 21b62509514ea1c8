/**
 * Finds out where the columns of an Arrow IPC file lie, so that any row can be read by itself. Reads the footer and
 * the batches' headers only, never a body.
 */
import type { FileHandle } from 'node:fs/promises';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { Message } from 'apache-arrow/ipc/metadata/message';
import { type Column, rowBytes, toColumns } from './arrow-columns.ts';

const MAGIC = 'ARROW1';
const TAIL_BYTES = 4 + MAGIC.length;
const MESSAGE_PREFIX_BYTES = 8;

/** A record batch and the places of its columns, in bytes from the start of the file. */
export interface ArrowBatch {
  rows: number;
  /** Start and length of the body. */
  offset: number;
  bytes: number;
  columnOffsets: number[];
}

export interface ArrowLayout {
  columns: Column[];
  metadata: Record<string, string>;
  batches: ArrowBatch[];
}

/** A file that ends before it should. The message completes "found that …". */
export class FileEndError extends Error {
  /** @param bytes length of the file */
  constructor(bytes: number) {
    super(`it ends after ${bytes} bytes`);
  }
}

/** Fills `bytes` from the file, or throws {@link FileEndError}. */
export async function readFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new FileEndError(position + done);
    done += bytesRead;
  }
}

/**
 * Reads the layout of a file of `size` bytes. Throws a plain error whose message completes "found that …" where the
 * file is not an Arrow file of fixed-width columns without nulls, or is cut off.
 */
export async function readArrowLayout(file: FileHandle, size: number): Promise<ArrowLayout> {
  const footer = await readFooter(file, size);
  const columns = toColumns(footer.schema);
  const batches: ArrowBatch[] = [];
  for (const block of footer.recordBatches()) {
    const offset = block.offset + block.metaDataLength;
    if (block.offset < 0 || block.metaDataLength < MESSAGE_PREFIX_BYTES || offset + block.bodyLength > size) {
      throw new Error(`record batch ${batches.length} lies outside of it`);
    }
    const bytes = Buffer.alloc(block.metaDataLength);
    await readFully(file, bytes, block.offset);
    const message = Message.decode(bytes.subarray(MESSAGE_PREFIX_BYTES));
    batches.push({
      offset,
      bytes: block.bodyLength,
      ...locateColumns(message, columns, offset, block.bodyLength),
    });
  }
  return { columns, metadata: Object.fromEntries(footer.schema.metadata), batches };
}

async function readFooter(file: FileHandle, size: number): Promise<Footer> {
  const tail = Buffer.alloc(TAIL_BYTES);
  if (size < 2 * TAIL_BYTES) throw new Error(`it has only ${size} bytes`);
  await readFully(file, tail, size - TAIL_BYTES);
  const length = tail.readInt32LE(0);
  if (tail.toString('latin1', 4) !== MAGIC) throw new Error(`it does not end with ${MAGIC}`);
  if (length <= 0 || length > size - 2 * TAIL_BYTES) throw new Error(`its footer claims ${length} bytes`);
  const bytes = Buffer.alloc(length);
  await readFully(file, bytes, size - TAIL_BYTES - length);
  return Footer.decode(bytes);
}

/** Rows of a batch and the start of each column's values, which are the last of its buffers. */
function locateColumns(
  message: Message,
  columns: Column[],
  offset: number,
  bodyBytes: number,
): { rows: number; columnOffsets: number[] } {
  if (!message.isRecordBatch()) throw new Error('a message in it is not a record batch');
  const batch = message.header();
  const rows = batch.length;
  if (batch.compression !== null) throw new Error('its record batches are compressed');
  if (batch.nodes.some((node) => node.nullCount !== 0)) throw new Error('it has null values');

  let next = 0;
  const columnOffsets = columns.map((column) => {
    next += column.width === null ? 2 : 3;
    const region = batch.buffers[next - 1];
    if (!region || region.length < rows * rowBytes(column) || region.offset + region.length > bodyBytes) {
      throw new Error(`column ${column.name} does not have the ${rows} rows that its record batch claims`);
    }
    return offset + region.offset;
  });
  return { rows, columnOffsets };
}
