/** A small gradient store as an artifact of an experiment, and `pipeline store` in this process. */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { main } from '../../../../pipeline/cli.ts';
import { thisWorld } from '../../../../pipeline/world.ts';

const STAGES = new URL('../../sharing/stages.ts', import.meta.url).href;
const EXPERIMENT = `name: small
dataset: { name: usps }
variants:
  - label: one
  - label: two
`;

/** A runs directory in which both variants share one store; made once for a file of tests, see {@link copyRuns}. */
export async function makeRuns(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pag-runs-'));
  const experiment = join(folder, 'experiment.yaml');
  await writeFile(experiment, EXPERIMENT);
  await mkdir(join(folder, 'data'));
  const places = ['--config', experiment, '--data', join(folder, 'data'), '--runs', folder];
  const { code, stderr } = await call(folder, ['run', '--jobs', '1', ...places]);
  if (code !== 0) throw new Error(stderr);
  return folder;
}

export interface StoreRuns {
  runs: string;
  /** Folder of the store. */
  directory: string;
  /** Its name. */
  id: string;
  /** `pipeline store …` on these runs; in its answers RUNS stands for their folder. */
  store(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** A copy of one's own, removed when the test ends. */
export async function copyRuns(source: string): Promise<StoreRuns> {
  const runs = await mkdtemp(join(tmpdir(), 'pag-store-'));
  onTestFinished(() => rm(runs, { recursive: true, force: true, maxRetries: 5 }));
  await cp(source, runs, { recursive: true });
  const id = (await readdir(join(runs, 'artifacts'))).find((name) => name.startsWith('precompute-'))!;
  const store = (...words: string[]) => call(runs, ['store', ...words, '--runs', runs]);
  return { runs, directory: join(runs, 'artifacts', id), id, store };
}

async function call(runs: string, words: string[]) {
  let [stdout, stderr] = ['', ''];
  const code = await main(words, {
    ...thisWorld(),
    stagesModule: STAGES,
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    environment: {},
  });
  return { code, stdout: stdout.replaceAll(runs, 'RUNS'), stderr: stderr.replaceAll(runs, 'RUNS') };
}
