/** The attack stage shared by workers: the same bytes with one and with two, and after `kill -9` at drawn moments. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { uniform } from '../../store/shards/sample-stores.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { makeProject, type Project } from '../fixtures/project.ts';

const STAGES = new URL('../../../pipeline/graph.ts', import.meta.url).href;
const POINTS = 200;
const KILLS = 3;
/** Files of parts, of which so many are left to the last run at least. */
const SPARED = 40;
const PARTS = 150;

/** 50 chunks of three parts each. */
const experimentOn = (model: string) => `name: points
dataset: { name: toy, geometry: { testPoints: ${POINTS} } }
score: { kind: analytic }
train: { network: { kind: mlp } }
attack:
  model: { model: ${model} }
  attacks:
    - { method: pgd, norm: L2, eps: [15], steps: 40, relativeStep: 4, randomStart: true, restarts: 3 }
    - { method: auto-attack, version: custom, attacks: [apgd-ce, fab], norm: L2, eps: [25], steps: 20 }
  chunkImages: 4
  seed: 7
`;

/** Files of finished parts; those of an attack that is over are gone. */
function partsIn({ runs }: Project): number {
  const artifacts = join(runs, 'artifacts');
  const name = existsSync(artifacts) && readdirSync(artifacts).find((entry) => entry.startsWith('attack-'));
  const work = name && join(artifacts, name, 'work');
  if (!work || !existsSync(work)) return 0;
  return readdirSync(work).filter((file) => /part-\d\.json$/.test(file)).length;
}

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

test(`${KILLS} kills of runs and of their workers leave the bytes of one undisturbed worker`, async () => {
  const model = await modelFolder({
    network: { kind: 'mlp', hidden: [16] },
    shape: [2],
    classes: 2,
    normalization: { mean: 0, std: 10 },
  });
  const alone = await makeProject(experimentOn(model), STAGES);
  const undisturbed = await alone.run('run', 'attack', '--jobs', '1');
  expect([undisturbed.code, undisturbed.stderr]).toEqual([0, '']);
  const expected = await alone.contents();
  const summary = JSON.parse([...expected].find(([path]) => path.endsWith('attack.json'))![1]);
  for (const { robust, cleanCorrect } of summary.attacks) {
    expect(robust).toBeGreaterThan(0);
    expect(robust).toBeLessThan(cleanCorrect);
  }

  const project = await makeProject(experimentOn(model), STAGES);
  await project.run('run', 'dataset');
  const next = uniform(11);
  for (let kill = 0; kill < KILLS; kill++) {
    const run = project.start('run', 'attack', '--jobs', '2');
    // Later each time, and not before this run has made something.
    const due = Math.max(partsIn(project) + 1, ((PARTS - SPARED) * (kill + next())) / KILLS);
    while (partsIn(project) < due && run.child.exitCode === null) await sleep(1);
    expect(run.child.exitCode, 'still at work').toBeNull();
    // Every other time a worker first, owner or helper, and its parent a moment later.
    if (kill % 2 === 1) {
      process.kill(childrenOf(run.child.pid!).at(-1)!, 'SIGKILL');
      await sleep(20);
    }
    run.child.kill('SIGKILL');
    await run.finished;
  }
  const last = await project.run('run', 'attack', '--jobs', '2');
  expect([last.code, last.stderr]).toEqual([0, '']);
  expect(last.stdout).toMatch(/resuming with \d+ of 400 images attacked/);
  expect(await project.contents()).toEqual(expected);
  expect(readdirSync(join(project.runs, 'locks'))).toEqual([]);
}, 240_000);
