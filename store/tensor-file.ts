/**
 * Named tensors in one file of the public safetensors format: the length of the header (unsigned, 64 bits), the
 * header (JSON), the values. Python reads these files with the `safetensors` package, and needs no code of ours.
 */
import { type FileHandle, open } from 'node:fs/promises';
import * as z from 'zod';
import { PipelineError } from '../schemas/errors.ts';
import { sizeOf } from '../schemas/shape.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { elementTypeOf, elementTypes, type TensorData } from './tensor-codec.ts';

export interface Tensor {
  shape: number[];
  /** Row-major. */
  data: TensorData;
}

/** What a file can be made of: what it is read as, and int64. */
export interface WritableTensor {
  shape: number[];
  data: TensorData | BigInt64Array;
}

const LENGTH_BYTES = 8;
const METADATA = '__metadata__';
/** One read of the system takes less than 2 GiB. */
const READ_BYTES = 1 << 30;

const size = z.number().int().min(0);
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
type Entry = z.infer<typeof entrySchema>;

/**
 * Writes the file atomically. The same tensors and metadata give the same bytes: larger element types come first,
 * so that every tensor is aligned, then names in order.
 */
export async function writeTensors(
  path: string,
  tensors: Record<string, WritableTensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const names = Object.keys(tensors).sort(
    (a, b) => tensors[b]!.data.BYTES_PER_ELEMENT - tensors[a]!.data.BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  const header = encodeHeader(names, tensors, metadata);
  const values = names.map((name) => {
    const { buffer, byteOffset, byteLength } = tensors[name]!.data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
  await writeFileAtomic(path, [header, ...values]);
}

function encodeHeader(
  names: string[],
  tensors: Record<string, WritableTensor>,
  metadata: Record<string, string>,
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) {
    entries.push([
      METADATA,
      Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
    ]);
  }
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors[name]!;
    if (name === METADATA || sizeOf(shape) !== data.length) {
      throw new TypeError(
        `Expected ${sizeOf(shape)} values for tensor ${name} [${shape}], got ${data.length}.`,
      );
    }
    const end = offset + data.byteLength;
    entries.push([name, { dtype: elementTypeOf(data), shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Written pair by pair, because JSON.stringify of an object puts keys that look like numbers first.
  const json = `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}

/**
 * Reads all tensors of a file and checks its header: `DATA_DAMAGED` names the file and the tensor, `NOT_FOUND` is
 * thrown where there is no file. float64, float16 and bfloat16 become float32, int64 int32.
 */
export async function readTensors(
  path: string,
): Promise<{ tensors: Record<string, Tensor>; metadata: Record<string, string> }> {
  const file = await openToRead(path);
  try {
    const { size: fileBytes } = await file.stat();
    const { header, dataStart } = await readHeader(file, path, fileBytes);
    const { [METADATA]: metadata = {}, ...rest } = header;
    const parsedMetadata = z.record(z.string(), z.string()).safeParse(metadata);
    if (!parsedMetadata.success) throw damaged(path, 'texts as metadata', JSON.stringify(metadata));
    const entries = Object.entries(rest).map(([name, raw]) => [name, checkEntry(path, name, raw)] as const);
    checkLayout(path, entries, fileBytes - dataStart);

    const tensors: Record<string, Tensor> = {};
    for (const [name, entry] of entries) tensors[name] = await readTensor(file, path, name, entry, dataStart);
    return { tensors, metadata: parsedMetadata.data };
  } finally {
    await file.close();
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new PipelineError(
      'NOT_FOUND',
      `Expected a safetensors file at ${path}, found no file there. Check the path.`,
    );
  }
}

async function readHeader(
  file: FileHandle,
  path: string,
  fileBytes: number,
): Promise<{ header: Record<string, unknown>; dataStart: number }> {
  if (fileBytes < LENGTH_BYTES) {
    throw damaged(path, `a header length of ${LENGTH_BYTES} bytes`, `a file of ${fileBytes} bytes`);
  }
  const length = new DataView((await readBytes(file, 0, LENGTH_BYTES)).buffer).getBigUint64(0, true);
  if (length > BigInt(fileBytes - LENGTH_BYTES)) {
    throw damaged(path, `a header of ${length} bytes`, `a file of ${fileBytes} bytes`);
  }
  const text = new TextDecoder().decode(await readBytes(file, LENGTH_BYTES, Number(length)));
  const parsed = z.record(z.string(), z.unknown()).safeParse(tryJson(text));
  if (!parsed.success) throw damaged(path, 'a header in JSON', JSON.stringify(text.slice(0, 20)));
  return { header: parsed.data, dataStart: LENGTH_BYTES + Number(length) };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One entry of the header by itself: known type, and as many bytes as its shape needs. */
function checkEntry(path: string, name: string, raw: unknown): Entry {
  const parsed = entrySchema.safeParse(raw);
  if (!parsed.success) {
    throw damaged(path, `dtype, shape and data_offsets for tensor ${name}`, JSON.stringify(raw));
  }
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const type = Object.hasOwn(elementTypes, dtype) ? elementTypes[dtype] : undefined;
  if (type === undefined) {
    throw damaged(path, `one of ${Object.keys(elementTypes).join(', ')} as type of tensor ${name}`, dtype);
  }
  const bytes = sizeOf(shape) * type.itemBytes;
  if (offsets[1] - offsets[0] !== bytes) {
    throw damaged(path, `${bytes} bytes for tensor ${name} [${shape}] ${dtype}`, `data_offsets [${offsets}]`);
  }
  return parsed.data;
}

/** All entries together: the tensors follow each other without gap or overlap and fill the file. */
function checkLayout(path: string, entries: (readonly [string, Entry])[], dataBytes: number): void {
  const inOrder = [...entries].sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  let end = 0;
  for (const [name, { data_offsets: offsets }] of inOrder) {
    if (offsets[0] !== end)
      throw damaged(path, `tensor ${name} to begin at byte ${end} of the data`, `byte ${offsets[0]}`);
    end = offsets[1];
    if (end > dataBytes)
      throw damaged(path, `tensor ${name} to end at byte ${end} of the data`, `only ${dataBytes} bytes`);
  }
  if (end !== dataBytes) throw damaged(path, `${end} bytes of data`, `${dataBytes} bytes`);
}

async function readTensor(
  file: FileHandle,
  path: string,
  name: string,
  { dtype, shape, data_offsets: [start, end] }: Entry,
  dataStart: number,
): Promise<Tensor> {
  const bytes = await readBytes(file, dataStart + start, end - start);
  try {
    return { shape, data: elementTypes[dtype]!.decode(bytes) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw damaged(path, `values of 32 bits in tensor ${name}`, error.message);
  }
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, READ_BYTES), position + done);
    if (bytesRead === 0) throw new Error(`The file ended at byte ${position + done} while it was read.`);
    done += bytesRead;
  }
  return bytes;
}

function damaged(path: string, expected: string, found: string): PipelineError {
  const message = `Expected ${expected} in ${path}, found ${found}. The file is damaged or no safetensors file; make it again or fetch a fresh copy.`;
  return new PipelineError('DATA_DAMAGED', message, { place: { files: [path] } });
}
