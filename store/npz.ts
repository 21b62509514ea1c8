/**
 * NumPy's .npz: a zip of .npy arrays, as `numpy.load` reads it. Nothing is compressed, and no clock is in it: the same
 * arrays give the same bytes.
 */
import { PipelineError } from '../schemas/errors.ts';
import { sizeOf } from '../schemas/shape.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { crc32 } from './shards/crc32.ts';
import { npyHeader } from './shards/export-npy.ts';

export interface NpzArray {
  shape: readonly number[];
  /** Row-major. */
  data: Float32Array | Int32Array;
}

/** Beyond that a zip needs another form. */
const MOST_BYTES = 2 ** 32 - 2 ** 20;

/** 1 January 1980, the first day that a zip can name. */
const DATE = 0x21;

/** Writes the file atomically. Throws `CONFIG_INVALID` for arrays of 4 GiB and more. */
export async function writeNpz(path: string, arrays: Record<string, NpzArray>): Promise<void> {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const member = memberOf(`${name}.npy`, array);
    directory.push(record(CENTRAL, member, offset), member.name);
    for (const piece of [record(LOCAL, member), member.name, member.header, member.values]) {
      pieces.push(piece);
      offset += piece.length;
    }
    if (offset > MOST_BYTES) throw tooLarge(path);
  }
  const directoryBytes = directory.reduce((sum, { length }) => sum + length, 0);
  pieces.push(...directory, endOf(Object.keys(arrays).length, directoryBytes, offset));
  await writeFileAtomic(path, pieces);
}

interface Member {
  name: Uint8Array;
  header: Uint8Array;
  values: Uint8Array;
  crc: number;
}

function memberOf(name: string, { shape, data }: NpzArray): Member {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(`Expected ${sizeOf(shape)} values for ${name} [${shape}], got ${data.length}.`);
  }
  const header = npyHeader(data instanceof Float32Array ? 'float32' : 'int32', shape);
  const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name: Buffer.from(name), header, values, crc: crc32(values, crc32(header)) };
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;

/** A header before a member, or its entry in the directory at the end (PKWARE's APPNOTE, 4.3.7 and 4.3.12). */
function record(
  signature: typeof LOCAL | typeof CENTRAL,
  { name, header, values, crc }: Member,
  offset = 0,
): Uint8Array {
  const isCentral = signature === CENTRAL;
  const bytes = Buffer.alloc(isCentral ? 46 : 30);
  bytes.writeUInt32LE(signature, 0);
  bytes.writeUInt16LE(VERSION, 4);
  // The directory says by which version it was made, then the same as the header.
  const at = isCentral ? 6 : 4;
  bytes.writeUInt16LE(VERSION, at);
  bytes.writeUInt16LE(DATE, at + 8);
  bytes.writeUInt32LE(crc, at + 10);
  bytes.writeUInt32LE(header.length + values.length, at + 14);
  bytes.writeUInt32LE(header.length + values.length, at + 18);
  bytes.writeUInt16LE(name.length, at + 22);
  if (isCentral) bytes.writeUInt32LE(offset, 42);
  return bytes;
}

function endOf(members: number, directoryBytes: number, offset: number): Uint8Array {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(END, 0);
  bytes.writeUInt16LE(members, 8);
  bytes.writeUInt16LE(members, 10);
  bytes.writeUInt32LE(directoryBytes, 12);
  bytes.writeUInt32LE(offset, 16);
  return bytes;
}

function tooLarge(path: string): PipelineError {
  return new PipelineError(
    'CONFIG_INVALID',
    `Expected arrays of less than 4 GiB together for ${path}, found more; keep fewer adversarial images (attack.images).`,
  );
}
