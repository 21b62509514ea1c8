/**
 * The store at full size: makes the target gradients of all of CIFAR-10 (3.07 GB), verifies them, and reads an epoch in
 * random order. `npx tsx bench/full-size/full-size.ts --data DIR [--runs DIR] [--keep]`
 *
 * Each part is a process of its own; its largest resident memory is what the system says of it (VmHWM).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { StoreSummary } from '../../schemas/gradient-store.ts';

const PRESET = 'cifar10-full-targets';
const POLL_MS = 200;
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PIPELINE = at('../../pipeline/bin.mjs');

interface Finished {
  seconds: number;
  /** Of the largest process, in MB. */
  peakMb: number;
  stdout: string;
}

/** Runs a program and watches the memory of it and of the processes that it starts. */
async function measure(words: string[]): Promise<Finished> {
  const begun = performance.now();
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  let peakMb = 0;
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, ...treeOf(child).map(peakOf));
  }, POLL_MS);
  const [code] = await once(child, 'close');
  clearInterval(timer);
  if (code !== 0) throw new Error(`${words.join(' ')} ended with exit code ${code}: ${stdout}`);
  return { seconds: (performance.now() - begun) / 1000, peakMb, stdout };
}

function treeOf({ pid }: ChildProcess): number[] {
  const all = [pid!];
  for (const parent of all) {
    const path = `/proc/${parent}/task/${parent}/children`;
    if (existsSync(path)) all.push(...readOr(path).split(' ').filter(Boolean).map(Number));
  }
  return all;
}

function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0) / 1000;
}

/** The text of a file of a process that may have ended. */
function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function folderOf(runs: string, stage: string): string {
  const artifacts = join(runs, 'artifacts');
  return join(artifacts, readdirSync(artifacts).find((name) => name.startsWith(`${stage}-`))!);
}

const { values } = parseArgs({
  options: { data: { type: 'string' }, runs: { type: 'string' }, keep: { type: 'boolean', default: false } },
});
const runs = values.runs ?? (await mkdtemp(join(tmpdir(), 'full-size-')));
const data = values.data === undefined ? [] : ['--data', values.data];
const pipeline = (...words: string[]) => measure([PIPELINE, ...words, '--runs', runs]);
const say = (what: string, { seconds, peakMb }: Finished, more: string) =>
  process.stdout.write(`| ${what} | ${seconds.toFixed(1)} s | ${peakMb.toFixed(0)} MB | ${more} |\n`);

try {
  const experiment = ['--preset', PRESET, ...data];
  process.stdout.write('| part | time | largest process | |\n|---|---|---|---|\n');
  say('dataset', await pipeline('run', 'dataset', ...experiment), '50,000 + 10,000 images');
  const made = await pipeline('run', 'precompute', ...experiment);
  const store = folderOf(runs, 'precompute');
  const files = readdirSync(store).filter((name) => name.endsWith('.arrow'));
  const bytes = files.reduce((sum, name) => sum + statSync(join(store, name)).size, 0);
  const rate = (seconds: number) => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
  const { worstCosineLoss } = JSON.parse(readFileSync(join(store, 'summary.json'), 'utf8')) as StoreSummary;
  const lost = `1 - cos ${worstCosineLoss.toExponential(1)} at worst`;
  const size = `${files.length} shards, ${(bytes / 1e9).toFixed(3)} GB, ${lost}`;
  say('precompute', made, `${size}, ${rate(made.seconds)}`);
  const verified = await pipeline('store', 'verify', store);
  say('store verify', verified, rate(verified.seconds));
  const read = async (what: string, memory: string, ...words: string[]) => {
    const found = await measure(['--import', 'tsx', ...words]);
    const { rows, seconds, quarters } = JSON.parse(found.stdout) as {
      rows: number;
      seconds: number;
      quarters: number[];
    };
    const held = quarters.map((mb) => mb.toFixed(0)).join(', ');
    const speed = `${(rows / seconds).toFixed(0)} gradients/s`;
    say(what, { ...found, seconds }, `${speed}; ${memory}, by quarter: ${held} MB`);
  };
  await read('reader alone', 'whole process', at('./read-rows.ts'), store);
  for (const targets of ['2', 'all']) {
    const words = [at('./read-epoch.ts'), folderOf(runs, 'dataset'), store, targets];
    await read(`epoch, targets: ${targets}`, 'beyond the images', ...words);
  }
} finally {
  if (!values.keep) await rm(runs, { recursive: true, force: true });
}
