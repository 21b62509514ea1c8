/** Runs a stage's code in this process, on artifacts in temporary folders. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExperimentConfig, variantConfigSchema } from '../../schemas/config.ts';
import type { RawSplit } from '../../schemas/dataset.ts';
import type { Progress, StageContext, StageName } from '../../schemas/stage.ts';
import { writeDataset } from '../../store/dataset-artifact.ts';

export const temporaryFolder = () => mkdtempSync(join(tmpdir(), 'pag-test-'));

/** A configuration from its parts, with all defaults. */
export function configOf(parts: object): ExperimentConfig {
  return variantConfigSchema.parse({ dataset: { name: 'usps' }, ...parts });
}

/** A context whose progress and notes are collected. */
export function contextOf(
  config: ExperimentConfig,
  inputs: Partial<Record<StageName, string>>,
  directory = temporaryFolder(),
): StageContext & { lines: Progress[]; notes: string[]; stop: AbortController } {
  const lines: Progress[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  return {
    config,
    variants: [{ label: 'only', config }],
    inputs: Object.entries(inputs).map(([stage, path]) => ({
      stage: stage as StageName,
      variant: 'only',
      key: 'key',
      directory: path,
    })),
    directory,
    dataDirectory: null,
    progress: (line) => lines.push(line),
    note: (sentence) => notes.push(sentence),
    signal: stop.signal,
    lines,
    notes,
    stop,
  };
}

/** A dataset artifact made of arrays. */
export async function datasetArtifact(
  shape: number[],
  classes: number,
  train: RawSplit,
  test: RawSplit = train,
): Promise<string> {
  const directory = temporaryFolder();
  const isBytes = train.images instanceof Uint8Array;
  const info = {
    name: 'made',
    shape,
    storage: isBytes ? ('uint8' as const) : ('float32' as const),
    box: isBytes ? ([0, 1] as [number, number]) : null,
    classNames: Array.from({ length: classes }, (_, i) => String(i)),
    trainCount: train.labels.length,
    testCount: test.labels.length,
    sources: [],
    provenance: 'made for a test',
  };
  await writeDataset(directory, info, { train, test });
  return directory;
}
