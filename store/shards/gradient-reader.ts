/**
 * Reads gradients by (image, target) in any order: each row, or run of neighbouring rows, by one positioned read,
 * without its siblings. Memory is bounded whatever the store's size: some open files, one buffer, for each shard in use
 * a table of offsets (16 bytes per record batch of half a megabyte; where classes are listed, 2 bytes per row), and the scales of
 * the first shards, as far as there is room.
 */
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { rowBytes } from './arrow-columns.ts';
import { checkBodies, findDamage, openShard, translateDamage } from './check-shard.ts';
import type { Decoder } from './codecs/codec.ts';
import { codecs } from './codecs.ts';
import { FileCache } from './file-cache.ts';
import { type GradientBatch, readBatches } from './read-batches.ts';
import { type RowFormat, readRows, storedBytes, type WantedRow } from './read-rows.ts';
import { keptBytes, readShardTable, type ShardTable } from './shard-table.ts';
import { countShards, gradientLength, readStoreInfo, SUMMARY_FILE, shardName } from './store-layout.ts';
import { isSummaryRight } from './store-summary.ts';

const MAX_OPEN_FILES = 128;
/** Stored bytes of the rows that are under way at once. */
const STORED_BYTES = 8 << 20;
const CHECK_BYTES = 1 << 20;
/** Scales are kept in memory up to so many bytes. */
export const KEPT_BYTES = 64 << 20;

/** A row of the store. */
export interface GradientRow {
  image: number;
  /** Its slot: its number among the image's rows. */
  target: number;
}

/**
 * Opens a store for reading. Throws `ARTIFACT_DAMAGED` without a valid `store.json`, `VERSION_NEWER` where a later
 * version of this program wrote it.
 *
 * @param room scales are kept in memory up to so many bytes
 */
export async function openGradientReader(directory: string, room = KEPT_BYTES): Promise<GradientReader> {
  const info = await readStoreInfo(directory);
  const codec = codecs[info.codec];
  const length = gradientLength(info);
  const columns = codec.columns(length);
  const format = { columns, sizes: columns.map(rowBytes), length, isPlain: codec.isPlain };
  const bytes = Math.max(STORED_BYTES, storedBytes(format.columns, 1));
  return new GradientReader(directory, info, format, await codec.openDecoder(length, bytes, 1), room);
}

export class GradientReader {
  readonly info: GradientStoreInfo;
  readonly #directory: string;
  readonly #format: RowFormat;
  readonly #files = new FileCache(MAX_OPEN_FILES);
  /** Of the shards that were checked. */
  readonly #tables = new Map<number, ShardTable>();
  /** Room that is left for scales. */
  #room: number;
  /** Its memory takes rows as they are stored, and what is checked. */
  readonly #decoder: Decoder;
  /** That of {@link batches} which is not in use: a new one costs as much time as reading 30 MB. */
  #batchDecoder: Decoder | undefined;
  /** Ends when what uses that memory ends: one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Use {@link openGradientReader}. */
  constructor(directory: string, info: GradientStoreInfo, format: RowFormat, decoder: Decoder, room: number) {
    this.info = info;
    this.#directory = directory;
    this.#format = format;
    this.#decoder = decoder;
    this.#room = room;
  }

  /**
   * Decodes the gradient of `rows[i]` into `out[i * size]` … `out[(i + 1) * size − 1]`, `size` being the values of
   * a gradient. Every shard is checked when its first row is asked for. Throws `ARTIFACT_DAMAGED`, naming the
   * shard, where one is missing or not as it was written.
   */
  async read(rows: readonly GradientRow[], out: Float32Array): Promise<void> {
    this.#validate(rows, out);
    await this.#inTurn(async () => {
      for (const slice of this.#slices(rows)) await this.#readSlice(slice, out);
    });
  }

  /**
   * Reads all gradients in the order of the store, checking each shard as it goes unless that was done before. Throws as
   * {@link read} does, and `INTERRUPTED` once the signal asks to stop.
   */
  async *batches(signal?: AbortSignal): AsyncGenerator<GradientBatch, void> {
    const { length } = this.#format;
    let decoder = this.#batchDecoder;
    this.#batchDecoder = undefined;
    const openDecoder = async (bytes: number, rows: number) => {
      const fits = decoder && decoder.stored.length >= bytes && decoder.decoded.length >= rows * length;
      if (!fits) decoder = await codecs[this.info.codec].openDecoder(length, bytes, rows);
      return decoder!;
    };
    try {
      for (let shard = 0; shard < countShards(this.info); shard++) {
        const isChecked = this.#tables.has(shard);
        const batches = readBatches(this.#directory, this.info, shard, this.#format, isChecked, openDecoder);
        for await (const batch of batches) {
          if (signal?.aborted) throw new PipelineError('INTERRUPTED', 'Stopped on request.');
          yield batch;
        }
      }
    } finally {
      this.#batchDecoder = decoder;
    }
  }

  /**
   * Towards which class each gradient of the images is: `classes[i * targets + slot]`. Checks shards as
   * {@link read} does where the store lists the classes.
   */
  async classesOf(images: ArrayLike<number>): Promise<Uint16Array> {
    const { targets, shardImages, targetClasses } = this.info;
    const classes = new Uint16Array(images.length * targets);
    for (let i = 0; i < images.length; i++) {
      const image = images[i]!;
      requireIndex('image', image, this.info.images);
      const shard = Math.floor(image / shardImages);
      const first = (image - shard * shardImages) * targets;
      const listed = targetClasses === 'listed' ? (await this.#checked(shard)).classes : null;
      for (let slot = 0; slot < targets; slot++) classes[i * targets + slot] = listed?.[first + slot] ?? slot;
    }
    return classes;
  }

  /**
   * Reads all shards and compares their SHA-256, then the summary with what their records say. Names of the files that
   * are missing or not as they were written.
   */
  async verify(): Promise<string[]> {
    const names: string[] = [];
    for (let shard = 0; shard < countShards(this.info); shard++) {
      const damage = await findDamage(this.#directory, this.info, shard);
      if (damage) names.push(damage.file);
    }
    if (names.length > 0 || (await isSummaryRight(this.#directory, this.info))) return names;
    return [SUMMARY_FILE];
  }

  /** Waits for what is being read, and closes the files. */
  async close(): Promise<void> {
    await this.#files.close();
  }

  #validate(rows: readonly GradientRow[], out: Float32Array): void {
    const { images, targets } = this.info;
    for (const { image, target } of rows) {
      requireIndex('image', image, images);
      requireIndex('target', target, targets);
    }
    const { length } = this.#format;
    if (out.length >= rows.length * length) return;
    const expected = `${rows.length} x ${length} values`;
    throw new RangeError(`Expected \`out\` to have room for ${expected}, got ${out.length} values.`);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Cuts the rows, in the order of the store, into groups that fit into the buffer; within each, by shard. */
  *#slices(rows: readonly GradientRow[]): Generator<Map<number, WantedRow[]>> {
    const { targets, shardImages } = this.info;
    const limit = Math.floor(this.#decoder.stored.length / storedBytes(this.#format.columns, 1));
    const { length } = this.#format;
    const places = new Float64Array(rows.length);
    const order = new Uint32Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      places[i] = rows[i]!.image * targets + rows[i]!.target;
      order[i] = i;
    }
    order.sort((a, b) => places[a]! - places[b]!);
    let slice = new Map<number, WantedRow[]>();
    let count = 0;
    for (const index of order) {
      const shard = Math.floor(rows[index]!.image / shardImages);
      if (count === limit || (slice.size === MAX_OPEN_FILES && !slice.has(shard))) {
        yield slice;
        slice = new Map();
        count = 0;
      }
      const want = { row: places[index]! - shard * shardImages * targets, to: index * length };
      const wanted = slice.get(shard);
      if (wanted) wanted.push(want);
      else slice.set(shard, [want]);
      count++;
    }
    if (count > 0) yield slice;
  }

  async #readSlice(slice: Map<number, WantedRow[]>, out: Float32Array): Promise<void> {
    // One after the other: a check takes all of the disk's speed by itself, and the buffer.
    for (const shard of slice.keys()) await this.#tableOf(shard);
    let start = 0;
    const reads = Array.from(slice, ([shard, wanted]) => {
      const from = start;
      start += storedBytes(this.#format.columns, wanted.length);
      return this.#readShard(shard, wanted, out, from);
    });
    await Promise.all(reads);
  }

  async #readShard(shard: number, wanted: WantedRow[], out: Float32Array, start: number): Promise<void> {
    const table = this.#tables.get(shard)!;
    await this.#useShard(shard, ({ fd }) =>
      readRows(fd, table, this.#format, wanted, out, this.#decoder, start),
    );
  }

  async #checked(shard: number): Promise<ShardTable> {
    return this.#tables.get(shard) ?? this.#inTurn(() => this.#tableOf(shard));
  }

  /** Checks the shard unless this reader has done so before. In turn only. */
  async #tableOf(shard: number): Promise<ShardTable> {
    const known = this.#tables.get(shard);
    if (known) return known;
    const table = await this.#useShard(shard, async (file) => {
      const opened = await openShard(this.#directory, this.info, shard, file);
      await checkBodies(opened, file, this.#decoder.stored.subarray(0, CHECK_BYTES));
      return readShardTable(this.info, opened.layout, file, this.#room);
    });
    this.#room -= keptBytes(table);
    this.#tables.set(shard, table);
    return table;
  }

  async #useShard<T>(shard: number, work: (file: FileHandle) => Promise<T>): Promise<T> {
    try {
      return await this.#files.use(join(this.#directory, shardName(shard)), work);
    } catch (error) {
      throw translateDamage(error, this.#directory, shardName(shard));
    }
  }
}

function requireIndex(name: string, value: number, count: number): void {
  if (Number.isInteger(value) && value >= 0 && value < count) return;
  throw new RangeError(`Expected \`${name}\` to be a whole number from 0 to ${count - 1}, got ${value}.`);
}
