/**
 * Speed of the gradient store beside plain reads and writes of the same bytes, in one run on one disk:
 * `npx tsx bench/store/store.ts`. About ten seconds and 200 MB of temporary space.
 */
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CODEC_NAMES, type CodecName, type GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { openGradientReader } from '../../store/shards/gradient-reader.ts';
import { openGradientWriter } from '../../store/shards/gradient-writer.ts';

const IMAGES = 540;
const TARGETS = 10;
const VALUES = 32 * 32 * 3;
const ROWS = IMAGES * TARGETS;
const REPEATS = 3;
const CHUNK_BYTES = 1 << 20;
const RANDOM_ROWS = 2048;
const READ_ROWS = 256;

/** Shortest time of several runs, in seconds: what else the machine does only makes a run longer. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const startMs = performance.now();
    await work();
    shortest = Math.min(shortest, (performance.now() - startMs) / 1000);
  }
  return shortest;
}

function makeGradients(): Float32Array {
  const period = Float32Array.from({ length: 9973 }, (_, i) => Math.sin(i * i) * Math.exp(Math.sin(i)));
  return Float32Array.from({ length: ROWS * VALUES }, (_, i) => period[i % period.length]!);
}

function randomRows(count: number): { image: number; target: number }[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const row = Math.floor((state / 2 ** 32) * ROWS);
    return { image: Math.floor(row / TARGETS), target: row % TARGETS };
  });
}

async function writeRaw(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  await file.writeFile(bytes);
  await file.sync();
  await file.close();
}

async function readRaw(path: string, buffer: Uint8Array): Promise<void> {
  const file = await open(path, 'r');
  while ((await file.read(buffer, 0, buffer.length, null)).bytesRead > 0);
  await file.close();
}

async function measure(folder: string, codec: CodecName, gradients: Float32Array) {
  const info: GradientStoreInfo = {
    version: 2,
    codec,
    shape: [32, 32, 3],
    images: IMAGES,
    classes: TARGETS,
    targets: TARGETS,
    targetClasses: 'all',
    shardImages: IMAGES,
    description: 'benchmark',
  };
  const directory = join(folder, codec);
  const writer = await openGradientWriter(directory, info);
  const writeSec = await timeOf(() => writer.write(0, gradients));
  const shard = join(directory, 'shard-00000.arrow');
  const bytes = await readFile(shard);
  const rawPath = join(folder, 'raw');
  const rawWriteSec = await timeOf(() => writeRaw(rawPath, bytes));

  const checkSec = await timeOf(async () => {
    const fresh = await openGradientReader(directory);
    await fresh.read([{ image: 0, target: 0 }], new Float32Array(VALUES));
    await fresh.close();
  });
  const rawReadSec = await timeOf(() => readRaw(shard, Buffer.allocUnsafe(CHUNK_BYTES)));

  const reader = await openGradientReader(directory);
  const out = new Float32Array(READ_ROWS * VALUES);
  const readAll = async (rows: { image: number; target: number }[]) => {
    for (let i = 0; i < rows.length; i += READ_ROWS) await reader.read(rows.slice(i, i + READ_ROWS), out);
  };
  const inOrder = Array.from({ length: ROWS }, (_, row) => ({
    image: Math.floor(row / TARGETS),
    target: row % TARGETS,
  }));
  await readAll(inOrder);
  const readSec = await timeOf(() => readAll(inOrder));
  const rows = randomRows(RANDOM_ROWS);
  const randomSec = await timeOf(() => readAll(rows));
  await reader.close();

  const file = await open(shard, 'r');
  const rowSize = Math.floor(bytes.length / ROWS);
  const row = Buffer.allocUnsafe(rowSize);
  const rawRandomSec = await timeOf(async () => {
    for (const { image, target } of rows)
      await file.read(row, 0, rowSize, (image * TARGETS + target) * rowSize);
  });
  await file.close();

  return {
    'MB stored': Math.round(bytes.length / 1e6),
    'write / raw': ratio(rawWriteSec, writeSec),
    'check / raw read': ratio(rawReadSec, checkSec),
    'read / raw read': ratio(rawReadSec, readSec),
    'random row, µs': Number(((randomSec / RANDOM_ROWS) * 1e6).toFixed(1)),
    'raw pread, µs': Number(((rawRandomSec / RANDOM_ROWS) * 1e6).toFixed(1)),
  };
}

/** Speed relative to the raw one. */
function ratio(rawSec: number, sec: number): number {
  return Number((rawSec / sec).toFixed(2));
}

const folder = await mkdtemp(join(tmpdir(), 'bench-store-'));
try {
  const gradients = makeGradients();
  await writeFile(join(folder, 'warm-up'), gradients);
  const table: Record<string, Awaited<ReturnType<typeof measure>>> = {};
  for (const codec of CODEC_NAMES) table[codec] = await measure(folder, codec, gradients);
  // biome-ignore lint/suspicious/noConsole: it is what this program is run for
  console.table(table);
} finally {
  await rm(folder, { recursive: true, force: true });
}
