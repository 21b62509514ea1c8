/**
 * Reads numeric arrays from MATLAB's MAT-files of version 5 (The MathWorks, "MAT-File Format", 2019), compressed or
 * not, as streams of their values.
 */
import { createReadStream } from 'node:fs';
import { open as openFile, stat } from 'node:fs/promises';
import { createInflate } from 'node:zlib';
import { ByteStream, streamFile } from './byte-stream.ts';
import { damagedData } from './dataset-source.ts';

const HEADER_BYTES = 128;
const COMPRESSED = 15;
const MATRIX = 14;
/** Numpy's names of the types that values are stored as. */
const TYPES: Record<number, string> = {
  1: '<i1',
  2: '<u1',
  3: '<i2',
  4: '<u2',
  5: '<i4',
  6: '<u4',
  7: '<f4',
  9: '<f8',
  12: '<i8',
  13: '<u8',
};

export interface MatVariable {
  name: string;
  /** Sizes; the first index runs fastest. */
  shape: number[];
  dtype: string;
  /** Length of all values. */
  bytes: number;
  open(): Promise<ByteStream>;
}

/** The variables of a file; of each only the head is read. */
export async function readMatFile(path: string): Promise<Map<string, MatVariable>> {
  try {
    const variables = new Map<string, MatVariable>();
    for (const open of await elementsOf(path)) {
      const variable = await readVariable(open);
      variables.set(variable.name, variable);
    }
    return variables;
  } catch (error) {
    throw damagedData(path, 'a MAT-file of version 5', `that ${(error as Error).message}`, error);
  }
}

/** A stream for each variable, which begins with the tag of its matrix. */
async function elementsOf(path: string): Promise<(() => ByteStream)[]> {
  const { size } = await stat(path);
  const file = await openFile(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    if (size < HEADER_BYTES) throw new Error(`it ends after ${size} bytes`);
    await file.read(header, 0, HEADER_BYTES, 0);
    if (header.readUInt16LE(124) !== 0x0100 || header.toString('latin1', 126, 128) !== 'IM') {
      throw new Error(`its header is ${JSON.stringify(header.toString('latin1', 0, 20))}`);
    }
    const elements: (() => ByteStream)[] = [];
    const tag = Buffer.alloc(8);
    for (let at = HEADER_BYTES; at < size; ) {
      await file.read(tag, 0, 8, at);
      const [type, bytes, start] = [tag.readUInt32LE(0), tag.readUInt32LE(4), at + 8];
      if (start + bytes > size) throw new Error(`it ends after ${size} bytes`);
      if (type === COMPRESSED) elements.push(() => inflate(path, start, bytes));
      else if (type === MATRIX) elements.push(() => streamFile(path, start - 8, bytes + 8));
      else throw new Error(`an element of type ${type} stands at byte ${at}`);
      at = start + bytes;
    }
    return elements;
  } finally {
    await file.close();
  }
}

function inflate(path: string, start: number, bytes: number): ByteStream {
  const packed = createReadStream(path, { start, end: start + bytes - 1, highWaterMark: 1 << 20 });
  const unpacked = createInflate({ chunkSize: 1 << 18 });
  packed.on('error', (error) => unpacked.destroy(error));
  return new ByteStream(packed.pipe(unpacked));
}

async function readVariable(open: () => ByteStream): Promise<MatVariable> {
  const stream = open();
  try {
    const outer = await readTag(stream);
    if (outer.type !== MATRIX) throw new Error(`an element of type ${outer.type} is not a matrix`);
    const flags = await readElement(stream);
    const shape = integers(await readElement(stream));
    const name = (await readElement(stream)).data.toString('latin1');
    const { type, bytes } = await readTag(stream);
    const dtype = TYPES[type];
    // Bit 3 of the second byte: there is an imaginary part.
    if (dtype === undefined || (flags.data[1]! & 0x08) !== 0)
      throw new Error(`${name} is no array of real numbers`);
    const start = stream.position;
    return {
      name,
      shape,
      dtype,
      bytes,
      async open() {
        const values = open();
        await values.skip(start);
        return values;
      },
    };
  } finally {
    await stream.close();
  }
}

interface Tag {
  type: number;
  bytes: number;
  /** Small elements have their data in the tag's last four bytes. */
  isSmall: boolean;
}

/** Leaves the stream at the data. */
async function readTag(stream: ByteStream): Promise<Tag> {
  const word = (await stream.take(4)).readUInt32LE(0);
  if (word >>> 16 !== 0) return { type: word & 0xffff, bytes: word >>> 16, isSmall: true };
  return { type: word, bytes: (await stream.take(4)).readUInt32LE(0), isSmall: false };
}

async function readElement(stream: ByteStream): Promise<{ data: Buffer }> {
  const { bytes, isSmall } = await readTag(stream);
  if (bytes > 1024) throw new Error(`a head of ${bytes} bytes is too long`);
  const data = await stream.take(bytes);
  // Data is padded to eight bytes, four of which a small element has used.
  await stream.skip(isSmall ? 4 - bytes : -bytes & 7);
  return { data };
}

function integers({ data }: { data: Buffer }): number[] {
  return Array.from({ length: data.length / 4 }, (_, i) => data.readInt32LE(4 * i));
}
