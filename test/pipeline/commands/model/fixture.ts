/** Weights to import, and the command line in this process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../../../pipeline/cli.ts';
import { thisWorld } from '../../../../pipeline/world.ts';
import { makeClassifier } from '../../../../stages/numerics/networks/registry.ts';
import { batchCounters, fileShape } from '../../../../store/model-files.ts';
import { type WritableTensor, writeTensors } from '../../../../store/tensor-file.ts';

/** Runs `pipeline model …`. */
export async function model(...words: string[]) {
  let [stdout, stderr] = ['', ''];
  const code = await main(['model', ...words], {
    ...thisWorld(),
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

export type StateDict = Record<string, WritableTensor>;

export const NETWORK = { kind: 'resnet18' as const, widths: [2, 3, 4, 5] };
export const SHAPE = [8, 8, 3];
/** What `pipeline model import` must be told of {@link stateDict}. */
export const OPTIONS = [
  ...['--network', '{kind: resnet18, widths: [2, 3, 4, 5]}'],
  ...['--shape', '8x8x3', '--classes', 'ant,bee'],
];

/** A narrow ResNet-18 as PyTorch would save it: values that differ everywhere, and counters. */
export function stateDict(): StateDict {
  const { parameters, buffers } = makeClassifier(NETWORK, SHAPE, 2);
  const layout = [...parameters, ...buffers];
  let next = 0;
  const tensors = layout.map((entry): [string, WritableTensor] => {
    const shape = [...fileShape(entry)];
    const size = shape.reduce((product, side) => product * side, 1);
    return [entry.name, { shape, data: Float32Array.from({ length: size }, () => Math.fround(++next / 7)) }];
  });
  const counters = batchCounters(layout).map((name, i): [string, WritableTensor] => {
    return [name, { shape: [], data: BigInt64Array.of(BigInt(100 + i)) }];
  });
  return Object.fromEntries([...tensors, ...counters]);
}

/** The tensors under other names; null leaves one out. */
export function rename(tensors: StateDict, nameOf: (name: string) => string | null): StateDict {
  const entries = Object.entries(tensors).flatMap(([name, tensor]) => {
    const renamed = nameOf(name);
    return renamed === null ? [] : [[renamed, tensor] as const];
  });
  return Object.fromEntries(entries);
}

/** @returns the path of the file */
export async function save(folder: string, tensors: StateDict, metadata = {}): Promise<string> {
  const path = join(folder, 'weights.safetensors');
  await writeTensors(path, tensors, metadata);
  return path;
}

type RawTensor = [type: string, shape: number[], hexadecimalBytes: string];
interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** `{name: [type, shape, bytes]}` of a safetensors file, and its metadata, read without our reader. */
export function rawTensors(path: string): {
  metadata: Record<string, string>;
  tensors: Record<string, RawTensor>;
} {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata = {}, ...header } = JSON.parse(bytes.toString('utf8', 8, start));
  const tensors = Object.entries<Entry>(header).map(([name, { dtype, shape, data_offsets: offsets }]) => {
    const data = bytes.subarray(start + offsets[0], start + offsets[1]).toString('hex');
    return [name, [dtype, shape, data]] as [string, RawTensor];
  });
  return { metadata, tensors: Object.fromEntries(tensors) };
}
