/**
 * A split of a data set as one Arrow IPC file with columns `image` and `label`, and `region` where it has them, which
 * other programs open as it is. Shape and checksums stand in the schema's metadata: Arrow itself notices no flipped
 * byte. Images come in blocks and go batch by batch, so that a split need not fit into memory.
 */
import { open } from 'node:fs/promises';
import type { ImageBlock, ImageStream, RawSplit } from '../../schemas/dataset.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { type ColumnValues, rowBytes } from './arrow-columns.ts';
import { writeArrowFile } from './arrow-writer.ts';
import { crc32 } from './crc32.ts';
import { ImageTable, translateTableError } from './read-image-table.ts';
import { type Storage, tableColumns } from './table-columns.ts';

/** Record batches hold about so many bytes. */
const BATCH_BYTES = 2 << 20;

/**
 * Writes a split to `path`, whole or not at all; the same images and labels give the same bytes, whatever the blocks
 * in which they come.
 *
 * @param shape of one image
 * @param storage type of the values, which must be that of the images
 * @param onImages sees all values once, in order
 */
export async function writeImageTable(
  path: string,
  split: RawSplit | ImageStream,
  shape: number[],
  storage: Storage,
  onImages: (values: Uint8Array | Float32Array) => void = () => undefined,
): Promise<void> {
  const size = sizeOf(shape);
  const stream = 'blocks' in split ? split : streamOf(path, split, size, storage);
  const { labels, hasRegions, count } = stream;
  const columns = tableColumns(storage, size, { isLabelled: labels !== null, hasRegions });
  const batchRows = Math.max(1, Math.floor(BATCH_BYTES / rowBytes(columns[0]!)));
  const rows = Array.from({ length: Math.ceil(count / batchRows) }, (_, batch) =>
    Math.min(batchRows, count - batch * batchRows),
  );
  const feed = new BlockFeed(path, stream.blocks, size);
  const of = (name: string, values: readonly ColumnValues[]) =>
    values[columns.findIndex((column) => column.name === name)];
  let rowsCrc32 = labels === null ? 0 : crc32(bytesOf(labels));
  await writeArrowFile(
    path,
    columns,
    { shape: JSON.stringify(shape) },
    {
      rows,
      async fill(index, values) {
        const images = of('image', values) as Uint8Array | Float32Array;
        const regions = of('region', values) as Float32Array | undefined;
        await feed.fill(images, regions);
        onImages(images);
        const first = index * batchRows;
        if (labels !== null) of('label', values)!.set(labels.subarray(first, first + rows[index]!));
        if (regions !== undefined) rowsCrc32 = crc32(bytesOf(regions), rowsCrc32);
        if (index === rows.length - 1) await feed.end();
      },
      closing: (batches) => ({
        crc32: JSON.stringify(batches.map((batch) => batch.crc32)),
        rowsCrc32: String(rowsCrc32),
      }),
    },
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function streamOf(path: string, split: RawSplit, size: number, storage: Storage): ImageStream {
  const { images, labels, regions } = split;
  const found = images instanceof Uint8Array ? 'uint8' : 'float32';
  if (found !== storage || images.length !== labels.length * size) {
    const expected = `${labels.length} images of ${size} ${storage} values`;
    throw new RangeError(`Expected ${expected} for ${path}, got ${images.length} ${found} values.`);
  }
  async function* blocks() {
    yield { images, ...(regions === undefined ? {} : { regions }) };
  }
  return { count: labels.length, labels, hasRegions: regions !== undefined, blocks: blocks() };
}

/** Cuts blocks as they come into the pieces that are asked for. */
class BlockFeed {
  readonly #path: string;
  readonly #blocks: AsyncIterator<ImageBlock>;
  readonly #size: number;
  #block: ImageBlock = { images: new Uint8Array(0) };
  /** Images of the block that were taken. */
  #taken = 0;

  constructor(path: string, blocks: AsyncIterable<ImageBlock>, size: number) {
    this.#path = path;
    this.#blocks = blocks[Symbol.asyncIterator]();
    this.#size = size;
  }

  /** Sets every value of `images`, and of `regions` where there are any. */
  async fill(images: Uint8Array | Float32Array, regions: Float32Array | undefined): Promise<void> {
    const size = this.#size;
    const wanted = images.length / size;
    for (let done = 0; done < wanted; ) {
      while (this.#taken * size === this.#block.images.length) {
        if (!(await this.#next())) throw this.#misfit('more images', 'the end of the blocks');
      }
      const left = this.#block.images.length / size - this.#taken;
      const [from, to] = [this.#taken, this.#taken + Math.min(left, wanted - done)];
      images.set(this.#block.images.subarray(from * size, to * size), done * size);
      regions?.set(this.#block.regions!.subarray(from * 4, to * 4), done * 4);
      this.#taken = to;
      done += to - from;
    }
  }

  /** Throws unless all images were taken. */
  async end(): Promise<void> {
    const isUsedUp = this.#taken * this.#size === this.#block.images.length;
    if (!isUsedUp || (await this.#next())) throw this.#misfit('the end of the blocks', 'more images');
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#blocks.next();
    if (done) return false;
    this.#block = value;
    this.#taken = 0;
    return true;
  }

  #misfit(expected: string, found: string): RangeError {
    return new RangeError(`Expected ${expected} for ${this.#path}, got ${found}.`);
  }
}

/**
 * Opens what {@link writeImageTable} wrote and reads all but the images. Throws `DATA_MISSING` without a file, and
 * `DATA_DAMAGED` where it is cut off, was changed, or is something else.
 */
export async function openImageTable(path: string): Promise<ImageTable> {
  try {
    const file = await open(path, 'r');
    try {
      return await ImageTable.open(path, file, (await file.stat()).size);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw translateTableError(error, path);
  }
}

/** The whole table in memory. Throws as {@link openImageTable} does. */
export async function readImageTable(path: string): Promise<RawSplit & { shape: number[] }> {
  const table = await openImageTable(path);
  const images = table.readAll();
  const { shape, labels, regions } = table;
  return { images, labels, shape, ...(regions === undefined ? {} : { regions }) };
}
