/**
 * Reads gradients by (image, target) in any order: each row, or run of neighbouring rows, by one positioned read
 * per column, without its siblings. Memory is bounded whatever the store's size: some open files, for each shard in
 * use a table of offsets (16 bytes per record batch of 2 MB; where classes are listed, 2 bytes per row), and the first shards whole, as
 * far as there is room.
 */
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { type Column, rowBytes } from './arrow-columns.ts';
import { readFully } from './arrow-reader.ts';
import { checkShard, type Damage, findDamage, type ShardTable, toDamage } from './check-shard.ts';
import { codecs } from './codecs.ts';
import { FileCache } from './file-cache.ts';
import { readRows, type WantedRow } from './read-rows.ts';
import { countShards, gradientLength, readStoreInfo, shardName } from './store-layout.ts';

const MAX_OPEN_FILES = 128;
/** Stored bytes of the rows that are under way at once. */
const SLICE_BYTES = 16 << 20;
const CHECK_BYTES = 1 << 20;
/** Shards are kept in memory up to so many bytes: a read from memory costs a tenth of one from the page cache. */
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
 * @param keptBytes shards are kept in memory up to so many bytes
 */
export async function openGradientReader(directory: string, keptBytes = KEPT_BYTES): Promise<GradientReader> {
  return new GradientReader(directory, await readStoreInfo(directory), keptBytes);
}

export class GradientReader {
  readonly info: GradientStoreInfo;
  readonly #directory: string;
  readonly #length: number;
  /** Those of the codec. */
  readonly #columns: Column[];
  readonly #files = new FileCache(MAX_OPEN_FILES);
  /** Of the shards that were checked. */
  readonly #tables = new Map<number, ShardTable>();
  readonly #kept = new Map<number, Uint8Array>();
  /** Room that is left for shards in memory. */
  #room: number;
  readonly #checkBuffer = Buffer.allocUnsafeSlow(CHECK_BYTES);
  /** Ends when the check under way ends: one at a time, as all go through one buffer. */
  #checking: Promise<unknown> = Promise.resolve();

  /** Use {@link openGradientReader}. */
  constructor(directory: string, info: GradientStoreInfo, keptBytes: number) {
    this.#room = keptBytes;
    this.info = info;
    this.#directory = directory;
    this.#length = gradientLength(info);
    this.#columns = codecs[info.codec].columns(this.#length);
  }

  /**
   * Decodes the gradient of `rows[i]` into `out[i * size]` … `out[(i + 1) * size − 1]`, `size` being the values of
   * a gradient. Every shard is checked when its first row is asked for. Throws `ARTIFACT_DAMAGED`, naming the
   * shard, where one is missing or not as it was written.
   */
  async read(rows: readonly GradientRow[], out: Float32Array): Promise<void> {
    this.#validate(rows, out);
    for (const slice of this.#slices(rows, out)) {
      // One after the other: a check takes all of the disk's speed by itself.
      for (const shard of slice.keys()) await this.#tableOf(shard);
      await Promise.all(Array.from(slice, ([shard, wanted]) => this.#readShard(shard, wanted)));
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
      const listed = targetClasses === 'listed' ? (await this.#tableOf(shard)).classes : null;
      for (let slot = 0; slot < targets; slot++) classes[i * targets + slot] = listed?.[first + slot] ?? slot;
    }
    return classes;
  }

  /** Reads all shards and compares their SHA-256. Names of the files that are missing or not as they were written. */
  async verify(): Promise<string[]> {
    const names: string[] = [];
    for (let shard = 0; shard < countShards(this.info); shard++) {
      const damage = await findDamage(this.#directory, this.info, shard);
      if (damage) names.push(damage.file);
    }
    return names;
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
    if (out.length >= rows.length * this.#length) return;
    const expected = `${rows.length} x ${this.#length} values`;
    throw new RangeError(`Expected \`out\` to have room for ${expected}, got ${out.length} values.`);
  }

  /** Cuts the rows, in the order of the store, into groups of bounded size; within each, by shard. */
  *#slices(rows: readonly GradientRow[], out: Float32Array): Generator<Map<number, WantedRow[]>> {
    const { targets, shardImages } = this.info;
    const storedBytes = this.#columns.reduce((sum, column) => sum + rowBytes(column), 0);
    const limit = Math.max(1, Math.floor(SLICE_BYTES / storedBytes));
    const places = Float64Array.from(rows, ({ image, target }) => image * targets + target);
    const order = Uint32Array.from(rows.keys()).sort((a, b) => places[a]! - places[b]!);
    let slice = new Map<number, WantedRow[]>();
    let count = 0;
    for (const index of order) {
      const shard = Math.floor(rows[index]!.image / shardImages);
      if (count === limit || (slice.size === MAX_OPEN_FILES && !slice.has(shard))) {
        yield slice;
        slice = new Map();
        count = 0;
      }
      const gradient = out.subarray(index * this.#length, (index + 1) * this.#length);
      const row = places[index]! - shard * shardImages * targets;
      const wanted = slice.get(shard);
      if (wanted) wanted.push({ row, gradient });
      else slice.set(shard, [{ row, gradient }]);
      count++;
    }
    if (count > 0) yield slice;
  }

  async #readShard(shard: number, wanted: WantedRow[]): Promise<void> {
    const table = await this.#tableOf(shard);
    const codec = codecs[this.info.codec];
    const kept = this.#kept.get(shard);
    if (kept !== undefined) return readRows(kept, table, codec, this.#columns, wanted);
    await this.#useShard(shard, (file) => readRows(file.fd, table, codec, this.#columns, wanted));
  }

  /** Checks the shard unless this reader has done so before. */
  async #tableOf(shard: number): Promise<ShardTable> {
    const known = this.#tables.get(shard);
    if (known) return known;
    const check = this.#checking.then(() => this.#check(shard));
    this.#checking = check.catch(() => undefined);
    return check;
  }

  async #check(shard: number): Promise<ShardTable> {
    // Another caller may have waited for the same shard.
    const known = this.#tables.get(shard);
    if (known) return known;
    const table = await this.#useShard(shard, async (file) => {
      const checked = await checkShard(this.#directory, this.info, shard, file, this.#checkBuffer);
      await this.#keep(shard, file);
      return checked;
    });
    this.#tables.set(shard, table);
    return table;
  }

  /** Takes a checked shard into memory where there is room. */
  async #keep(shard: number, file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    if (size > this.#room) return;
    const bytes = new Uint8Array(size);
    await readFully(file, bytes, 0);
    this.#kept.set(shard, bytes);
    this.#room -= size;
  }

  async #useShard<T>(shard: number, work: (file: FileHandle) => Promise<T>): Promise<T> {
    try {
      return await this.#files.use(join(this.#directory, shardName(shard)), work);
    } catch (error) {
      const damage = toDamage(error, shardName(shard));
      throw damage === null ? error : this.#damaged(damage, error);
    }
  }

  #damaged({ file, found }: Damage, cause: unknown): PipelineError {
    const message = `Expected ${file} of the gradient store ${this.#directory} to be as it was written, found that ${found}. The next \`pipeline run\` computes only this shard again.`;
    const place = { artifact: this.#directory, files: [file] };
    return new PipelineError('ARTIFACT_DAMAGED', message, { place, cause });
  }
}

function requireIndex(name: string, value: number, count: number): void {
  if (Number.isInteger(value) && value >= 0 && value < count) return;
  throw new RangeError(`Expected \`${name}\` to be a whole number from 0 to ${count - 1}, got ${value}.`);
}
