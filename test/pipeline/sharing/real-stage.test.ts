/** The real stage under `kill -9`: runs with two workers that lose their parent or a worker at drawn moments. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { uniform } from '../../store/shards/sample-stores.ts';
import { makeProject, type Project } from '../fixtures/project.ts';

const STAGES = new URL('../../../pipeline/graph.ts', import.meta.url).href;
/** 6,000 points in 300 shards, each some milliseconds. */
const EXPERIMENT = `name: points
dataset: { name: toy }
score: { kind: analytic }
precompute: { method: class-mean, shardImages: 20 }
train: { network: { kind: mlp } }
`;
const KILLS = 3;
/** Of 300 shards, so many are left to the last run at least. */
const SPARED = 120;

/** How many shards are finished, or were when the artifact was last seen. */
function shardsIn({ runs }: Project): number {
  const artifacts = join(runs, 'artifacts');
  const name = readdirSync(artifacts).find((entry) => entry.startsWith('precompute-'));
  if (name === undefined) return 0;
  return readdirSync(join(artifacts, name)).filter((file) => /^shard-\d+\.json$/.test(file)).length;
}

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

test(`${KILLS} kills of runs and of their workers leave the bytes of one undisturbed worker`, async () => {
  const alone = await makeProject(EXPERIMENT, STAGES);
  const undisturbed = await alone.run('run', 'precompute', '--jobs', '1');
  expect([undisturbed.code, undisturbed.stderr]).toEqual([0, '']);
  const project = await makeProject(EXPERIMENT, STAGES);
  await project.run('run', 'dataset');
  const next = uniform(5);
  for (let kill = 0; kill < KILLS; kill++) {
    const run = project.start('run', 'precompute', '--jobs', '2');
    // Later each time, and not before this run has made something.
    const due = Math.max(shardsIn(project) + 1, ((300 - SPARED) * (kill + next())) / KILLS);
    while (shardsIn(project) < due && run.child.exitCode === null) await sleep(1);
    expect(run.child.exitCode, 'still at work').toBeNull();
    // Every other time a worker first, owner or helper, and its parent a moment later.
    const pid = run.child.pid!;
    if (kill % 2 === 1) process.kill(childrenOf(pid).at(-1)!, 'SIGKILL');
    if (kill % 2 === 1) await sleep(20);
    run.child.kill('SIGKILL');
    await run.finished;
  }
  const last = await project.run('run', 'precompute', '--jobs', '2');
  expect([last.code, last.stderr]).toEqual([0, '']);
  expect(await project.contents()).toEqual(await alone.contents());
  expect(readdirSync(join(project.runs, 'locks'))).toEqual([]);
}, 120_000);
