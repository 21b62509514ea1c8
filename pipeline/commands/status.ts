/** `pipeline status`: experiments, artifacts and locks below the runs directory. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { showBytes } from '../../store/show-bytes.ts';
import { nodeId } from '../dag.ts';
import {
  type HeldLock,
  listArtifacts,
  listExperiments,
  listLocks,
  type StoredArtifact,
  type StoredExperiment,
} from '../inventory.ts';
import { experimentDirectory } from '../last-run.ts';
import type { World } from '../world.ts';

export interface StatusArguments {
  runs: string;
  json: boolean;
}

interface Status {
  runs: string;
  experiments: { name: string; finished: number; artifacts: number; report: string | null }[];
  artifacts: StoredArtifact[];
  locks: HeldLock[];
}

export async function statusCommand({ runs, json }: StatusArguments, world: World): Promise<void> {
  const experiments = await listExperiments(runs);
  const artifacts = await listArtifacts(runs, experiments);
  const status: Status = {
    runs,
    experiments: experiments.map((experiment) => summarize(runs, experiment, artifacts)),
    artifacts,
    locks: await listLocks(runs),
  };
  world.stdout.write(`${json ? JSON.stringify(status, null, 2) : render(status)}\n`);
}

function summarize(runs: string, { name, nodes }: StoredExperiment, artifacts: readonly StoredArtifact[]) {
  const ids = new Set(nodes.map(nodeId));
  const finished = artifacts.filter(({ id, state }) => ids.has(id) && state === 'finished').length;
  const page = join(experimentDirectory(runs, name), 'report.html');
  return { name, finished, artifacts: ids.size, report: existsSync(page) ? page : null };
}

function render({ runs, experiments, artifacts, locks }: Status): string {
  if (experiments.length + artifacts.length === 0) {
    return `Nothing has been run in ${runs} yet; \`pipeline run --preset usps\` does.`;
  }
  const total = artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    'Experiments',
    ...columns(
      experiments.map(({ name, finished, artifacts: count, report }) => {
        return [name, `${finished} of ${count} artifacts finished`, report ?? 'no report yet'];
      }),
    ),
    `Artifacts (${showBytes(total)})`,
    ...columns(
      artifacts.map(({ id, bytes, state, damaged, experiments: users }) => {
        const what = damaged.length > 0 ? `${state}: ${damaged.join(', ')}` : state;
        return [id, showBytes(bytes), what, users.join(', ') || 'not needed'];
      }),
    ),
    ...(locks.length > 0 ? ['Locks', ...columns(locks.map(({ id, holder }) => [id, holder]))] : []),
  ].join('\n');
}

function columns(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd());
}
