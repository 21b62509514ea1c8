/** The processor, and those of its instruction sets that decide how fast TensorFlow is. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

export interface CpuInfo {
  model: string;
  /** Cores that this process may use. */
  cores: number;
  /** In the spelling of /proc/cpuinfo, from the oldest to the newest. */
  features: string[];
}

const FEATURES_THAT_MATTER = [
  'avx',
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'avx512_fp16',
  'amx_tile',
  'amx_int8',
  'amx_bf16',
  'asimd',
  'asimddp',
  'i8mm',
  'bf16',
  'sve',
  'sve2',
];

export function examineCpu(): CpuInfo {
  return {
    model: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    features: cpuFeatures(readFlags()),
  };
}

/**
 * @param flags text of /proc/cpuinfo, or the output of macOS's sysctl
 */
export function cpuFeatures(flags: string): string[] {
  const words = new Set(flags.toLowerCase().split(/\s+/));
  return FEATURES_THAT_MATTER.filter((feature) => words.has(feature));
}

function readFlags(): string {
  if (existsSync('/proc/cpuinfo')) return readFileSync('/proc/cpuinfo', 'utf8');
  if (process.platform !== 'darwin') return '';
  // hw.optional.arm.FEAT_BF16: 1
  const lines = execFileSync('sysctl', ['hw.optional'], { encoding: 'utf8' }).split('\n');
  const present = lines.filter((line) => line.endsWith(': 1')).map((line) => line.slice(0, -3));
  return present.map((name) => name.replace(/.*[._]/, '')).join(' ');
}
