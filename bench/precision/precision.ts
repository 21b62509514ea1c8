/**
 * What training in bfloat16 costs in accuracy and saves in time, for a trained model on images of its data set:
 * `npx tsx bench/precision/precision.ts runs/artifacts/train-KEY runs/artifacts/dataset-KEY`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cosineOf } from '../../stages/numerics/analyses/class-gradients.ts';
import { readTensors } from '../../store/tensor-file.ts';

const PROGRAM = fileURLToPath(new URL('./gradients.ts', import.meta.url));

const [model, dataset] = process.argv.slice(2);
if (model === undefined || dataset === undefined) {
  throw new Error('Expected the folders of a train and a dataset artifact.');
}
const folder = await mkdtemp(join(tmpdir(), 'pag-precision-'));
const [single, reduced] = await Promise.all([measure('float32'), measure('bfloat16')]);
await rm(folder, { recursive: true });

for (const name of ['inputs', 'cross entropy', 'alignment']) {
  const [a, b] = [single, reduced].map(({ tensors }) => tensors[name]!.data as Float32Array);
  const rows = name === 'inputs' ? 32 : 1;
  const cosines = rowsOf(a!, rows).map((row, i) => cosineOf(row, rowsOf(b!, rows)[i]!));
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / rows;
  print(`${name}: mean cosine ${mean.toFixed(5)}, smallest ${Math.min(...cosines).toFixed(5)}`);
}
for (const method of ['vanilla', 'pag']) {
  const [a, b] = [single, reduced].map(({ metadata }) => Number(metadata[`${method}Ms`]));
  print(
    `${method} step: float32 ${a!.toFixed(1)} ms, bfloat16 ${b!.toFixed(1)} ms, ratio ${(a! / b!).toFixed(2)}`,
  );
}

async function measure(precision: string) {
  const out = join(folder, `${precision}.safetensors`);
  const words = ['--import', 'tsx', PROGRAM, precision, model!, dataset!, out];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return readTensors(out);
}

function rowsOf(values: Float32Array, rows: number): Float32Array[] {
  const size = values.length / rows;
  return Array.from({ length: rows }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
