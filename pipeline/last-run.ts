/** What an experiment's last run needed, kept beside its results: tells why work is due, and what `clean` must keep. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { PipelineError } from '../schemas/errors.ts';
import { STAGE_NAMES } from '../schemas/stage.ts';
import { makeDirectory, writeFileAtomic } from '../store/atomic-file.ts';
import type { Graph } from './dag.ts';
import type { RememberedNode } from './plan.ts';

const FILE = 'last-run.json';
const VERSION = 1;

const lastRunSchema = z.object({
  version: z.literal(VERSION),
  experiment: z.string(),
  nodes: z.array(
    z.object({
      stage: z.enum(STAGE_NAMES),
      key: z.string(),
      codeVersion: z.number(),
      labels: z.array(z.string()),
      configPart: z.json(),
      inputs: z.array(z.object({ stage: z.enum(STAGE_NAMES), variant: z.string(), key: z.string() })),
    }),
  ),
});

/** Folder with the results of an experiment. */
export function experimentDirectory(runs: string, experiment: string): string {
  return join(runs, experiment);
}

/** Remembers the whole graph of an experiment, also when only a part of it is run. */
export async function rememberRun(runs: string, experiment: string, graph: Graph): Promise<void> {
  const nodes = graph.nodes.map(({ stage, key, codeVersion, labels, configPart, inputs }) => {
    return { stage, key, codeVersion, labels, configPart, inputs };
  });
  const directory = experimentDirectory(runs, experiment);
  await makeDirectory(directory);
  const text = `${JSON.stringify({ version: VERSION, experiment, nodes }, null, 2)}\n`;
  await writeFileAtomic(join(directory, FILE), text);
}

/** Nodes of the experiment's last run, empty where there was none. Throws `ARTIFACT_DAMAGED`. */
export async function recallRun(runs: string, experiment: string): Promise<RememberedNode[]> {
  const path = join(experimentDirectory(runs, experiment), FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
  try {
    return lastRunSchema.parse(JSON.parse(text)).nodes as RememberedNode[];
  } catch (error) {
    const message = `Expected ${path} to tell what the last run of ${experiment} needed, found something else; remove that file and run the experiment again.`;
    throw new PipelineError('ARTIFACT_DAMAGED', message, { cause: error });
  }
}

/** Names of the experiments that have been run, sorted. */
export async function knownExperiments(runs: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(runs)) {
    const files = entry.isDirectory() ? await entriesOf(join(runs, entry.name)) : [];
    if (files.some((file) => file.name === FILE)) names.push(entry.name);
  }
  return names.sort();
}

async function entriesOf(directory: string) {
  return readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}
