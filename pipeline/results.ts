/** What a finished run leaves for people: the report's files and the resolved configuration in one folder. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { Experiment } from '../schemas/config.ts';
import { readManifest } from '../store/artifacts.ts';
import { makeDirectory, writeFileAtomic } from '../store/atomic-file.ts';
import { experimentDirectory } from './last-run.ts';

const SUMMARY = 'summary.txt';
const PAGE = 'report.html';

export interface Published {
  /** Table for the terminal, empty where the report has none. */
  summary: string;
  /** Path of the page, or of the folder where there is no page. */
  report: string;
}

/** Copies the files of a report artifact to the experiment's folder; each appears whole. */
export async function publishReport(
  runs: string,
  experiment: Experiment,
  artifact: string,
): Promise<Published> {
  const target = experimentDirectory(runs, experiment.name);
  const names = (await readManifest(artifact))?.files.map(({ name }) => name) ?? [];
  for (const name of names) {
    await makeDirectory(dirname(join(target, name)));
    await writeFileAtomic(join(target, name), await readFile(join(artifact, name)));
  }
  const summary = names.includes(SUMMARY) ? await readFile(join(artifact, SUMMARY), 'utf8') : '';
  return { summary, report: names.includes(PAGE) ? join(target, PAGE) : target };
}

/** Writes `experiment.yaml`, the experiment with every default filled in; it can be run as it is. */
export async function storeResolvedExperiment(runs: string, experiment: Experiment): Promise<void> {
  const target = experimentDirectory(runs, experiment.name);
  await makeDirectory(target);
  await writeFileAtomic(join(target, 'experiment.yaml'), resolvedYaml(experiment));
}

/** An experiment file that resolves to this experiment. */
export function resolvedYaml({ name, variants }: Experiment): string {
  const { dataset } = variants[0]!.config;
  const settings = variants.map(({ label, config }) => ({ label, ...config }));
  // The schema asks for a data set at the top as well.
  return stringify({ name, dataset, variants: settings }, { aliasDuplicateObjects: false });
}
