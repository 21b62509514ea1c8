/** Brings up TensorFlow in this process. Call it before any tensor is made; `stages/` never does it itself. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { PipelineError } from '../../schemas/errors.ts';
import type { Precision } from '../../schemas/setting-types.ts';
import { KERNEL_LINK } from '../setup/engine.mjs';
import { NODE_API_VERSION, TENSORFLOW_VERSION } from '../setup/engine-table.mjs';
import { examineCpu } from './cpu.ts';
import { loadOwnKernels } from './own-kernels.ts';
import { requireMeasured, requirePrecision, setPrecision } from './precision.ts';

/** The engine as it runs in this process. */
export interface EngineInfo {
  /** Name of the TensorFlow.js backend. */
  name: string;
  /** Version of TensorFlow itself. */
  tensorflow: string;
  /** Threads that one operation may use. */
  threads: number;
  /** Of convolutions and matrix products. */
  precision: Precision;
  /** `CPU:0`, and `GPU:0` where TensorFlow found one. */
  devices: string[];
  /** The kind of processor that our own kernels were compiled for; null where TensorFlow's do their work. */
  kernels: string | null;
}

/** What the binding tells about the library it is linked to. */
interface NodeBackend {
  binding: { TF_Version: string; isUsingGpuDevice(): boolean };
}

const require = createRequire(import.meta.url);

let registered: Promise<EngineInfo> | undefined;

/**
 * Loads TensorFlow and makes it the backend; a second call answers with the engine that runs already. TensorFlow
 * writes two lines about itself to stderr while it loads: worker processes are captured by their parent.
 *
 * @param options.threads threads of one operation. The default is 1, so that the same configuration gives the same
 *   bytes on any number of cores; the runner uses the cores by running several processes.
 * @param options.precision default: float32. A process keeps that of the first call.
 * @throws PipelineError `ENGINE_MISSING` where it is not installed, `ENGINE_WRONG` where it is another version or this
 *   machine does not offer the precision
 */
export async function registerEngine(
  options: { threads?: number; precision?: Precision } = {},
): Promise<EngineInfo> {
  const { threads = 1, precision = 'float32' } = options;
  registered ??= load(threads, precision);
  const info = await registered;
  if (info.precision !== precision) {
    throw new Error(`the engine runs in ${info.precision} already, and cannot change to ${precision}`);
  }
  return info;
}

async function load(threads: number, precision: Precision): Promise<EngineInfo> {
  const cpu = examineCpu();
  if (precision !== 'float32') requirePrecision(precision, cpu, process.env.PAG_ENGINE);
  // TensorFlow reads these once, when its library is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_NUM_INTEROP_THREADS = '1';
  setPrecision(precision, process.env);
  restoreDroppedUtil();
  const lib = join(dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')), 'lib');
  requireInstalled(join(lib, `napi-v${NODE_API_VERSION}/tfjs_binding.node`));
  require('@tensorflow/tfjs-node-gpu');
  await tf.setBackend('tensorflow');
  const { binding } = tf.backend() as unknown as NodeBackend;
  requireVersion(binding.TF_Version);
  const devices = binding.isUsingGpuDevice() ? ['CPU:0', 'GPU:0'] : ['CPU:0'];
  requireDevice(process.env.PAG_ENGINE, devices);
  requireMeasured(precision, measurePrecision());
  // They compute in float32, on the processor and with one thread.
  const isTheirs = precision === 'float32' && devices.length === 1;
  const kernels = isTheirs ? loadOwnKernels(join(lib, KERNEL_LINK), cpu.features) : null;
  return { name: tf.getBackend(), tensorflow: binding.TF_Version, threads, precision, devices, kernels };
}

/** The precision that the engine turns out to have: 1 + 2⁻¹² is 1 in bfloat16. */
function measurePrecision(): Precision {
  const side = 64;
  return tf.tidy(() => {
    const fine = tf.fill([side, side], 1 + 2 ** -12) as tf.Tensor2D;
    return tf.matMul(fine, tf.eye(side)).dataSync()[0] === 1 ? 'bfloat16' : 'float32';
  });
}

/** tfjs-node calls two functions of `node:util` that Node 23 removed. */
function restoreDroppedUtil(): void {
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

/**
 * @param binding where the package looks for it
 * @throws PipelineError `ENGINE_MISSING`
 */
export function requireInstalled(binding: string): void {
  if (existsSync(binding)) return;
  throw new PipelineError(
    'ENGINE_MISSING',
    `Expected the TensorFlow binding ${binding}, found none: run \`npm start\`, which installs it, or \`npx pipeline doctor\`, which says what is missing.`,
  );
}

/**
 * The pinned version is the one whose numbers are tested.
 *
 * @throws PipelineError `ENGINE_WRONG`
 */
export function requireVersion(found: string): void {
  if (found === TENSORFLOW_VERSION) return;
  throw new PipelineError(
    'ENGINE_WRONG',
    `Expected TensorFlow ${TENSORFLOW_VERSION}, found ${found}: delete node_modules/@tensorflow/tfjs-node-gpu/deps and run \`npm start\`, which installs the right one.`,
  );
}

/**
 * Whoever asks for CUDA means it: the processor would take its place without a word.
 *
 * @param flavour value of PAG_ENGINE
 * @throws PipelineError `ENGINE_WRONG`
 */
export function requireDevice(flavour: string | undefined, devices: string[]): void {
  if (flavour !== 'cuda' || devices.includes('GPU:0')) return;
  throw new PipelineError(
    'ENGINE_WRONG',
    `Expected a graphics card, as PAG_ENGINE is \`cuda\`, but TensorFlow found only ${devices.join(', ')}: check the NVIDIA driver with \`nvidia-smi\`, or unset PAG_ENGINE.`,
  );
}
