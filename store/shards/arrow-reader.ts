/**
 * Finds out where the columns of an Arrow IPC file lie, so that any row can be read by itself. Reads the footer and
 * the batches' headers only, never a body.
 */
import type { FileHandle } from 'node:fs/promises';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { Message, type RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { type Column, toColumns } from './arrow-columns.ts';
import { CHECKSUM_BYTES, MAGIC, MESSAGE_PREFIX_BYTES, TAIL_BYTES } from './arrow-format.ts';
import { crc32 } from './crc32.ts';

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
 * Reads the layout of a file of `size` bytes that `writeArrowFile` wrote, and checks every byte of it that is
 * in no batch's body. Throws a plain error whose message completes "found that …" where it is something else, or
 * was changed.
 */
export async function readArrowLayout(file: FileHandle, size: number): Promise<ArrowLayout> {
  const { footer, start, frameCrc32 } = await readFooter(file, size);
  const columns = toColumns(footer.schema);
  const blocks = [...footer.recordBatches()];
  const bodies = blocks.map(({ offset, metaDataLength, bodyLength }) => ({
    offset: offset + metaDataLength,
    bytes: bodyLength,
  }));
  const frame = await readFrame(file, bodies, start);
  if (frame.reduce((crc, part) => crc32(part, crc), 0) !== frameCrc32) {
    throw new Error('its headers do not match their checksum');
  }
  const batches = bodies.map((body, i) => {
    // The part before a body ends with the batch's message.
    const message = Message.decode(frame[i]!.subarray(MESSAGE_PREFIX_BYTES - blocks[i]!.metaDataLength));
    return { ...body, ...locateColumns(message.header() as RecordBatch, columns, body.offset) };
  });
  return { columns, metadata: Object.fromEntries(footer.schema.metadata), batches };
}

/** The footer, where our checksums in front of it start, and the one that is not about the footer. */
async function readFooter(
  file: FileHandle,
  size: number,
): Promise<{ footer: Footer; start: number; frameCrc32: number }> {
  if (size < CHECKSUM_BYTES + TAIL_BYTES) throw new Error(`it has only ${size} bytes`);
  const tail = Buffer.alloc(TAIL_BYTES);
  await readFully(file, tail, size - TAIL_BYTES);
  if (!tail.subarray(4).equals(MAGIC)) throw new Error(`it does not end with ${MAGIC}`);
  const length = tail.readInt32LE(0);
  const start = size - TAIL_BYTES - length - CHECKSUM_BYTES;
  if (length <= 0 || start < 0) throw new Error(`its footer claims to have ${length} bytes`);

  const bytes = Buffer.alloc(CHECKSUM_BYTES + length);
  await readFully(file, bytes, start);
  const footer = bytes.subarray(CHECKSUM_BYTES);
  if (crc32(footer) !== bytes.readUInt32LE(4)) throw new Error('its footer does not match its checksum');
  return { footer: Footer.decode(footer), start, frameCrc32: bytes.readUInt32LE(0) };
}

/** The bytes between the bodies: one part before each, and one up to `end`. */
async function readFrame(
  file: FileHandle,
  bodies: readonly { offset: number; bytes: number }[],
  end: number,
): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  let position = 0;
  for (const { offset, bytes } of [...bodies, { offset: end, bytes: 0 }]) {
    if (offset < position) throw new Error('its record batches do not lie where its footer says');
    const part = Buffer.alloc(offset - position);
    await readFully(file, part, position);
    parts.push(part);
    position = offset + bytes;
  }
  return parts;
}

/** Rows of a batch and the start of each column's values, which are the last of its buffers. */
function locateColumns(
  batch: RecordBatch,
  columns: Column[],
  bodyOffset: number,
): { rows: number; columnOffsets: number[] } {
  let buffers = 0;
  const columnOffsets = columns.map(({ width }) => {
    buffers += width === null ? 2 : 3;
    return bodyOffset + batch.buffers[buffers - 1]!.offset;
  });
  return { rows: batch.length, columnOffsets };
}
