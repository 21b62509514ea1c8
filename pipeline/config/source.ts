/** Which experiment is meant: a file, a preset by name, or `experiment.yaml` of this folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closest } from 'fastest-levenshtein';
import { PipelineError } from '../../schemas/errors.ts';
import type { ExperimentSource } from './load.ts';

/** The file that is used when no other is named. */
export const DEFAULT_FILE = 'experiment.yaml';
const PRESETS = fileURLToPath(new URL('../presets', import.meta.url));

export interface SourceOptions {
  config?: string | undefined;
  preset?: string | undefined;
}

/** Reads the experiment that the command line names. Throws `USAGE` or `NOT_FOUND`. */
export function readSource({ config, preset }: SourceOptions): ExperimentSource {
  if (config !== undefined && preset !== undefined) {
    throw new PipelineError(
      'USAGE',
      `Expected either --config or --preset, got both (--config ${config} --preset ${preset}); leave one out.`,
    );
  }
  if (preset !== undefined) return readPreset(preset);
  const text = readText(config ?? DEFAULT_FILE);
  if (text !== null) return { name: config ?? DEFAULT_FILE, text };
  if (config !== undefined) {
    throw new PipelineError(
      'NOT_FOUND',
      `Expected an experiment file at ${config}, found nothing there; check the path, or write one with \`pipeline init PRESET ${config}\`.`,
    );
  }
  throw new PipelineError(
    'USAGE',
    `Expected an experiment, found no ${DEFAULT_FILE} in this folder; name one with --config FILE or --preset NAME (${presetNames().join(', ')}), or write one with \`pipeline init PRESET\`.`,
  );
}

/** A bundled experiment file. Throws `NOT_FOUND` with the nearest name. */
export function readPreset(name: string): ExperimentSource {
  const names = presetNames();
  if (names.includes(name)) {
    return { name: `preset ${name}`, text: readFileSync(join(PRESETS, `${name}.yaml`), 'utf8') };
  }
  throw new PipelineError(
    'NOT_FOUND',
    `Expected the name of a preset (${names.join(', ')}), got "${name}"; did you mean ${closest(name, names)}?`,
  );
}

/** Names of the bundled experiments, sorted. */
export function presetNames(): string[] {
  const files = readdirSync(PRESETS).filter((file) => file.endsWith('.yaml'));
  return files.map((file) => file.slice(0, -'.yaml'.length)).sort();
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new PipelineError(
      'NOT_FOUND',
      `Expected to read an experiment file at ${path}, found that it cannot be read (${code}); check that it is a file and that you may read it.`,
      { cause: error },
    );
  }
}
