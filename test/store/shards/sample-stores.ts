/** Gradients and stores to try the code with, also from other processes. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GradientStoreInfo } from '../../../schemas/gradient-store.ts';
import { sha256 } from '../../../store/content-hash.ts';
import { openGradientWriter } from '../../../store/shards/gradient-writer.ts';

/** Uniform numbers in [0, 1), always the same ones for a seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Standard normal numbers, by Box and Muller. */
export function normal(seed: number): () => number {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

export function normalArray(length: number, seed: number, scale = 1): Float32Array {
  const next = normal(seed);
  return Float32Array.from({ length }, () => next() * scale);
}

export function storeInfo(settings: Partial<GradientStoreInfo> = {}): GradientStoreInfo {
  const targets = settings.targets ?? 3;
  return {
    version: 2,
    codec: 'float16',
    shape: [4, 5, 3],
    images: 10,
    classes: targets,
    targets,
    targetClasses: 'all',
    shardImages: 4,
    description: 'a test',
    ...settings,
  };
}

/** Values of one gradient. */
export function sizeOf(info: GradientStoreInfo): number {
  return info.shape.reduce((product, side) => product * side, 1);
}

const PERIOD = 10_007;

/** All gradients of a store, image-major: normal values that return after 10,007, since making them takes long. */
export function gradientsOf(info: GradientStoreInfo, seed = 1): Float32Array {
  const all = new Float32Array(info.images * info.targets * sizeOf(info));
  const values = normalArray(Math.min(PERIOD, all.length), seed);
  for (let start = 0; start < all.length; start += PERIOD) {
    all.set(values.subarray(0, Math.min(PERIOD, all.length - start)), start);
  }
  return all;
}

/** Whether two arrays hold the same bytes. */
export function isSame(a: Float32Array, b: Float32Array): boolean {
  const bytes = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return bytes(a).equals(bytes(b));
}

/** Classes of all rows of a store that lists them: distinct ones for each image. */
export function classesOf({ images, targets, classes }: GradientStoreInfo): Uint16Array {
  return Uint16Array.from(
    { length: images * targets },
    (_, row) => (7 * Math.floor(row / targets) + 3 * (row % targets)) % classes,
  );
}

/** Writes those shards that are missing; returns their numbers. */
export async function writeMissing(
  directory: string,
  info: GradientStoreInfo,
  all: Float32Array,
): Promise<number[]> {
  const listed = info.targetClasses === 'listed' ? classesOf(info) : undefined;
  const writer = await openGradientWriter(directory, info);
  const missing = await writer.missing();
  const imageValues = info.targets * sizeOf(info);
  for (const shard of missing) {
    const { first, count } = writer.imagesOf(shard);
    await writer.write(
      shard,
      all.subarray(first * imageValues, (first + count) * imageValues),
      listed?.subarray(first * info.targets, (first + count) * info.targets),
    );
  }
  await writer.finish();
  return missing;
}

/** Names and checksums of the files in a folder, to compare folders byte by byte. */
export async function contentOf(directory: string): Promise<Map<string, string>> {
  const names = (await readdir(directory)).sort();
  const entries = names.map(async (name) => [name, sha256(await readFile(join(directory, name)))] as const);
  return new Map(await Promise.all(entries));
}

/** All rows of a store in its order. */
export function allRows(info: GradientStoreInfo): { image: number; target: number }[] {
  return Array.from({ length: info.images * info.targets }, (_, row) => ({
    image: Math.floor(row / info.targets),
    target: row % info.targets,
  }));
}
