/** numpy's arrays in .npy files, and in .npz, which is a zip of them. The format is numpy's NEP 1. */
import { createReadStream } from 'node:fs';
import { promisify } from 'node:util';
import yauzl from 'yauzl';
import { sizeOf } from '../../schemas/shape.ts';
import { crc32 } from '../shards/crc32.ts';
import { ByteStream } from './byte-stream.ts';
import { damagedData } from './dataset-source.ts';
import { integerBytes, readIntegers } from './numbers.ts';

/** Labels are taken into memory. */
const MOST_LABEL_BYTES = 2 ** 30;
const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

export interface NpyArray {
  /** File, and member of the zip, for messages. */
  path: string;
  shape: number[];
  dtype: string;
  isFortran: boolean;
  /** The values, from the first on. */
  open(): Promise<ByteStream>;
}

/** The array of a .npy file, of which only the header is read. */
export function readNpy(path: string): Promise<NpyArray> {
  return readHeader(path, async () => new ByteStream(createReadStream(path, { highWaterMark: 1 << 20 })));
}

/** Names of the arrays in an .npz file, and the arrays. */
export async function readNpz(path: string): Promise<Map<string, NpyArray>> {
  const arrays = new Map<string, NpyArray>();
  for (const name of await memberNames(path)) {
    if (!name.endsWith('.npy')) continue;
    const open = () => openMember(path, name);
    arrays.set(name.slice(0, -4), await readHeader(`${path}/${name}`, open));
  }
  return arrays;
}

/** All values of an array of whole numbers, in memory. */
export async function readLabelArray(array: NpyArray): Promise<number[]> {
  const bytes = integerBytes(array.dtype);
  const count = sizeOf(array.shape);
  if (bytes === null || count !== array.shape[0]) {
    const expected = 'whole numbers [images]';
    throw damagedData(array.path, expected, `${array.dtype} [${array.shape.join(', ')}]`);
  }
  if (count * bytes > MOST_LABEL_BYTES)
    throw damagedData(array.path, 'less than 1 GiB of labels', `${count}`);
  const stream = await array.open();
  try {
    const values = readIntegers(await stream.take(count * bytes), array.dtype);
    await stream.drain();
    return values;
  } catch (error) {
    throw damagedData(array.path, `${count} numbers`, `that ${(error as Error).message}`, error);
  } finally {
    await stream.close();
  }
}

async function readHeader(path: string, open: () => Promise<ByteStream>): Promise<NpyArray> {
  const stream = await open();
  try {
    const { header, bytes } = await headerOf(stream);
    const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
    const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
    const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
    if (descr === undefined || order === undefined || shape === undefined) {
      throw new Error(`its header is ${JSON.stringify(header.trim().slice(0, 80))}`);
    }
    const sides = shape.split(',').filter((side) => side.trim() !== '');
    const sizes = sides.map(Number);
    if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw new Error(`its sizes are (${shape})`);
    }
    return {
      path,
      dtype: descr,
      isFortran: order === 'True',
      shape: sizes,
      async open() {
        const values = await open();
        await values.skip(bytes);
        return values;
      },
    };
  } catch (error) {
    throw damagedData(path, 'an array as numpy saves it', `that ${(error as Error).message}`, error);
  } finally {
    await stream.close();
  }
}

/** The text of the header, and the bytes up to the first value. */
async function headerOf(stream: ByteStream): Promise<{ header: string; bytes: number }> {
  const start = await stream.take(MAGIC.length + 2);
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('it does not begin with \\x93NUMPY');
  const version = start[MAGIC.length]!;
  const length =
    version === 1 ? (await stream.take(2)).readUInt16LE() : (await stream.take(4)).readUInt32LE();
  const header = (await stream.take(length)).toString('latin1');
  return { header, bytes: stream.position };
}

const openZip = promisify<string, yauzl.Options, yauzl.ZipFile>(yauzl.open);

/** Calls `use` with each member until it gives something. */
async function eachMember<T>(
  path: string,
  use: (entry: yauzl.Entry, zip: yauzl.ZipFile) => T | undefined,
): Promise<T | undefined> {
  let zip: yauzl.ZipFile;
  try {
    zip = await openZip(path, { lazyEntries: true, autoClose: false });
  } catch (error) {
    throw damagedData(path, 'a zip of arrays (.npz)', `that ${(error as Error).message}`, error);
  }
  return new Promise((resolve, reject) => {
    zip.on('error', (error: Error) => {
      zip.close();
      reject(damagedData(path, 'a zip of arrays (.npz)', `that ${error.message}`, error));
    });
    zip.on('end', () => {
      zip.close();
      resolve(undefined);
    });
    zip.on('entry', (entry: yauzl.Entry) => {
      const found = use(entry, zip);
      if (found === undefined) zip.readEntry();
      else resolve(found);
    });
    zip.readEntry();
  });
}

async function memberNames(path: string): Promise<string[]> {
  const names: string[] = [];
  await eachMember(path, ({ fileName }) => void names.push(fileName));
  return names;
}

async function openMember(path: string, name: string): Promise<ByteStream> {
  const member = await eachMember(path, (entry, zip) =>
    entry.fileName === name ? { entry, zip } : undefined,
  );
  const { entry, zip } = member!;
  const open = promisify<yauzl.Entry, NodeJS.ReadableStream>(zip.openReadStream.bind(zip) as never);
  const stream = await open(entry);
  async function* checked() {
    let crc = 0;
    try {
      for await (const chunk of stream) {
        crc = crc32(chunk as Buffer, crc);
        yield chunk as Buffer;
      }
    } finally {
      zip.close();
    }
    if (crc !== entry.crc32) throw new Error('its content has another CRC-32 than the zip says');
  }
  return new ByteStream(checked());
}
