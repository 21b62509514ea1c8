/**
 * Speed of the gradient store beside plain reads and writes of the same bytes, in one run on one disk:
 * `npx tsx bench/store/store.ts [--folder DIR] [--cold]`. About half a minute, 500 MB of memory and of space in the folder
 * (the system's for temporary files). `--cold` measures reads from the disk as well: it has the system forget what it
 * keeps of all files, which needs root and slows down whatever else is running.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  CODEC_NAMES,
  type CodecName,
  GRADIENT_STORE_VERSION,
  type GradientStoreInfo,
} from '../../schemas/gradient-store.ts';
import { type GradientRow, openGradientReader } from '../../store/shards/gradient-reader.ts';
import { openGradientWriter } from '../../store/shards/gradient-writer.ts';
import { alternate } from './alternate.ts';
import { readPieces, readWhole, writeWhole } from './raw.ts';

/** One shard of the default size, of targets for CIFAR-10. */
const IMAGES = 1024;
const TARGETS = 10;
const VALUES = 32 * 32 * 3;
const ROUNDS = 21;
const RANDOM_ROWS = 2048;
const READ_ROWS = 256;
const BATCH_IMAGES = 128;

type Figures = Record<string, number | string>;

function makeGradients(): Float32Array {
  const period = Float32Array.from({ length: 9973 }, (_, i) => Math.sin(i * i) * Math.exp(Math.sin(i)));
  const all = new Float32Array(IMAGES * TARGETS * VALUES);
  for (let at = 0; at < all.length; at += period.length) {
    all.set(period.subarray(0, Math.min(period.length, all.length - at)), at);
  }
  return all;
}

/** Whole numbers below `end`, always the same. */
function drawNumbers(count: number, end: number): number[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  });
}

async function measureWriting(folder: string, codec: CodecName, gradients: Float32Array): Promise<Figures> {
  const info: GradientStoreInfo = {
    version: GRADIENT_STORE_VERSION,
    codec,
    shape: [32, 32, 3],
    images: IMAGES,
    classes: TARGETS,
    targets: TARGETS,
    targetClasses: 'all',
    shardImages: IMAGES,
    description: 'benchmark',
  };
  const writer = await openGradientWriter(join(folder, codec), info);
  await writer.write(0, gradients);
  const content = readFileSync(shardOf(folder, codec));
  const raw = join(folder, 'raw');
  const seconds = await alternate(
    { raw: () => writeWhole(raw, content), ours: () => writer.write(0, gradients) },
    ROUNDS,
  );
  rmSync(raw);
  return {
    'MB stored': Math.round(content.length / 1e6),
    'raw write, GB/s': gigabytes(content.length, seconds.raw),
    'write / raw': ratio(seconds.raw, seconds.ours),
  };
}

function shardOf(folder: string, codec: CodecName): string {
  return join(folder, codec, 'shard-00000.arrow');
}

/** Every gradient in order. */
async function readAll(directory: string): Promise<void> {
  const reader = await openGradientReader(directory);
  for await (const _ of reader.batches());
  await reader.close();
}

async function measureSequential(folder: string, codec: CodecName): Promise<Figures> {
  const shard = shardOf(folder, codec);
  const { size } = statSync(shard);
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  const reader = await openGradientReader(join(folder, codec));
  // After this, it knows that the shard is sound.
  await reader.read([{ image: 0, target: 0 }], new Float32Array(VALUES));
  const seconds = await alternate(
    {
      raw: () => readWhole(shard, buffer),
      ours: async () => {
        for await (const _ of reader.batches());
      },
      checked: () => readAll(join(folder, codec)),
    },
    ROUNDS,
  );
  await reader.close();
  return {
    'raw read, GB/s': gigabytes(size, seconds.raw),
    'read / raw': ratio(seconds.raw, seconds.ours),
    'first read / raw': ratio(seconds.raw, seconds.checked),
  };
}

/** With an empty page cache. */
async function measureCold(folder: string, codec: CodecName): Promise<Figures> {
  const shard = shardOf(folder, codec);
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  const cold = async (work: () => unknown) => {
    writeFileSync('/proc/sys/vm/drop_caches', '1');
    const startMs = performance.now();
    await work();
    return (performance.now() - startMs) / 1000;
  };
  const times: Record<'raw' | 'ours', number[]> = { raw: [], ours: [] };
  for (let round = 0; round < 3; round++) {
    times.raw.push(await cold(() => readWhole(shard, buffer)));
    times.ours.push(await cold(() => readAll(join(folder, codec))));
  }
  const [raw, ours] = [Math.min(...times.raw), Math.min(...times.ours)];
  return {
    'raw cold read, GB/s': gigabytes(statSync(shard).size, raw),
    'cold read / raw': ratio(raw, ours),
  };
}

async function measureRandom(folder: string, codec: CodecName): Promise<Figures> {
  const shard = shardOf(folder, codec);
  const rowBytes = Math.floor(statSync(shard).size / (IMAGES * TARGETS));
  const numbers = drawNumbers(RANDOM_ROWS, IMAGES * TARGETS);
  const positions = numbers.map((row) => row * rowBytes);
  const rows = numbers.map((row) => ({ image: Math.floor(row / TARGETS), target: row % TARGETS }));
  const buffer = Buffer.allocUnsafeSlow(READ_ROWS * rowBytes);
  const reader = await openGradientReader(join(folder, codec));
  const out = new Float32Array(READ_ROWS * VALUES);
  const seconds = await alternate(
    {
      raw: () => readPieces(shard, positions, rowBytes, buffer),
      ours: async () => {
        for (let i = 0; i < rows.length; i += READ_ROWS) await reader.read(rows.slice(i, i + READ_ROWS), out);
      },
      single: async () => {
        for (const row of rows) await reader.read([row], out);
      },
    },
    ROUNDS,
  );
  await reader.close();
  const micros = (sec: number) => Number(((sec / RANDOM_ROWS) * 1e6).toFixed(1));
  return {
    'raw pread of a row, µs': micros(seconds.raw),
    'random row, µs': micros(seconds.ours),
    'row / raw': ratio(seconds.ours, seconds.raw),
    'alone, µs': micros(seconds.single),
  };
}

async function measureBatch(folder: string, codec: CodecName): Promise<Figures> {
  const images = drawNumbers(BATCH_IMAGES, IMAGES);
  const rows: GradientRow[] = images.flatMap((image) =>
    Array.from({ length: TARGETS }, (_, target) => ({ image, target })),
  );
  const reader = await openGradientReader(join(folder, codec));
  const out = new Float32Array(rows.length * VALUES);
  const seconds = await alternate({ ours: () => reader.read(rows, out) }, 3 * ROUNDS);
  await reader.close();
  return { 'batch of 128 x 10, ms': Number((seconds.ours * 1000).toFixed(1)) };
}

/** Speed relative to the raw one, or time: what is above is divided by what is below. */
function ratio(above: number, below: number): number {
  return Number((above / below).toFixed(2));
}

function gigabytes(bytes: number, seconds: number): number {
  return Number((bytes / seconds / 1e9).toFixed(2));
}

const { values: options } = parseArgs({
  options: { folder: { type: 'string', default: tmpdir() }, cold: { type: 'boolean', default: false } },
});
const folder = await mkdtemp(join(options.folder, 'bench-store-'));
try {
  const gradients = makeGradients();
  const table: Record<string, Figures> = {};
  for (const codec of CODEC_NAMES) {
    table[codec] = {
      ...(await measureWriting(folder, codec, gradients)),
      ...(await measureSequential(folder, codec)),
      ...(await measureRandom(folder, codec)),
      ...(await measureBatch(folder, codec)),
      ...(options.cold ? await measureCold(folder, codec) : {}),
    };
  }
  for (const figure of Object.keys(table.float32!)) {
    const values = CODEC_NAMES.map((codec) => String(table[codec]![figure]).padStart(10));
    // biome-ignore lint/suspicious/noConsole: it is what this program is run for
    console.log(figure.padEnd(26), ...values);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
