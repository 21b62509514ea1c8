/** What commands use of their surroundings; tests put small stages and captured streams in its place. */
import type { DatasetEntry } from '../store/datasets/catalogue-entry.ts';
import { type CpuInfo, examineCpu } from './engine/cpu.ts';
import type { Output } from './log.ts';

export interface World {
  /** URL of a module that exports `stages`. */
  stagesModule: string;
  stdout: Output;
  stderr: { write(text: string): unknown };
  environment: NodeJS.ProcessEnv;
  cpu(): CpuInfo;
  /** The data sets that `pipeline data` knows. */
  catalogue(): Promise<readonly DatasetEntry[]>;
}

/** The real one. */
export function thisWorld(): World {
  return {
    stagesModule: new URL('./graph.ts', import.meta.url).href,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    cpu: examineCpu,
    catalogue: async () => (await import('../store/datasets/catalogue.ts')).CATALOGUE,
  };
}
