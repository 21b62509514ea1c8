/** Runs whose workers share the shards of one artifact: in one run, in two runs, and when helpers fail. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeProject, type Project } from '../fixtures/project.ts';
import { IMAGES, type Orders, SHARDS } from './stages.ts';

const STAGES = new URL('./stages.ts', import.meta.url).href;
const EXPERIMENT = 'name: shared\ndataset: { name: usps }\n';

async function sharedProject(orders: Orders): Promise<Project> {
  const project = await makeProject(EXPERIMENT, STAGES);
  writeFileSync(join(project.folder, 'data', 'orders.json'), JSON.stringify(orders));
  return project;
}

/** Who made which shard, in the order in which they were finished. */
function made({ folder }: Project): { shard: number; pid: number; role: string }[] {
  const lines = readFileSync(join(folder, 'data', 'made.txt'), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [shard, pid, role] = line.split(' ');
    return { shard: Number(shard), pid: Number(pid), role: role! };
  });
}

const pidsOf = (project: Project, role: string) =>
  new Set(made(project).flatMap((line) => (line.role === role ? [line.pid] : [])));

const EVERY_SHARD = Array.from({ length: SHARDS }, (_, shard) => shard);
const shardsOf = (project: Project) =>
  made(project)
    .map(({ shard }) => shard)
    .sort((one, other) => one - other);

let madeAlone: Promise<Map<string, string>> | undefined;
/** What one worker makes. */
function alone(): Promise<Map<string, string>> {
  madeAlone ??= makeAlone();
  return madeAlone;
}

async function makeAlone(): Promise<Map<string, string>> {
  const project = await sharedProject({});
  expect((await project.call('run', '--jobs', '1')).code).toBe(0);
  expect(pidsOf(project, 'helper').size).toBe(0);
  return project.contents();
}

/** A project's folder for claims, whose artifact has not been begun. */
async function withClaim(holder: object): Promise<{ project: Project; claim: string }> {
  const project = await sharedProject({});
  await project.call('run', 'dataset');
  const { nodes } = JSON.parse((await project.call('plan', '--json')).stdout) as { nodes: { id: string }[] };
  const claims = join(
    project.runs,
    'locks',
    `${nodes.find(({ id }) => id.startsWith('precompute'))!.id}.shards`,
  );
  mkdirSync(claims, { recursive: true });
  const claim = join(claims, 'shard-00004.lock');
  const rest = { purpose: 'shard 4', token: 'abc', since: '2026-11-21T00:00:00.000Z' };
  writeFileSync(claim, JSON.stringify({ ...rest, ...holder }));
  return { project, claim };
}

describe('the workers of one run', () => {
  it('make each shard once, the same bytes as one worker, and their progress adds up', async () => {
    const project = await sharedProject({ shardMs: 500, ownerWaits: true });
    const run = project.call('run', '--jobs', '3', '--json');
    await expect.poll(() => pidsOf(project, 'helper').size, { timeout: 20_000 }).toBe(2);
    goOn(project);
    const { code, stdout } = await run;
    expect(code).toBe(0);
    expect(shardsOf(project)).toEqual(EVERY_SHARD);
    expect(pidsOf(project, 'owner').size).toBe(1);
    expect(await project.contents()).toEqual(await alone());
    expect(readdirSync(join(project.runs, 'locks'))).toEqual([]);

    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const done = events.filter(({ event }) => event === 'progress').map((line) => line.done as number);
    expect(done).toEqual(done.toSorted((one, other) => one - other));
    expect(done.at(-1)).toBeLessThanOrEqual(IMAGES);
    // What the owner alone has made and has under way is a third of it.
    expect(Math.max(...done)).toBeGreaterThan(IMAGES * 0.8);
  });

  it('go on without a helper that fails, and say so', async () => {
    const project = await sharedProject({ shardMs: 200, helpersThrow: 'Expected a number, found none.' });
    const { code, stdout } = await project.call('run', '--jobs', '2');
    expect(code).toBe(0);
    expect(stdout).toContain('precompute: one worker less: Expected a number, found none.\n');
    expect(pidsOf(project, 'helper').size).toBe(0);
    expect(await project.contents()).toEqual(await alone());
  });
});

/** Lets an owner that waits begin. */
function goOn({ folder }: Project): void {
  writeFileSync(join(folder, 'data', 'go'), '');
}

/** Starts a run whose owner makes nothing yet, and a second one that finds it at work. */
async function twoRuns(orders: Orders, ...secondWords: string[]) {
  const project = await sharedProject({ ...orders, ownerWaits: true });
  const first = project.start('run', '--jobs', '1');
  await first.says('precompute: started');
  const second = project.start('run', ...secondWords);
  await second.says('precompute: another run is making it; helping with parts of it\n');
  return { project, first, second };
}

describe('a second run on the same folder', () => {
  it('helps with all its workers, then waits, and finds the artifact made', async () => {
    const { project, first, second } = await twoRuns({ shardMs: 500 }, '--jobs', '2');
    await expect.poll(() => pidsOf(project, 'helper').size, { timeout: 20_000 }).toBe(2);
    goOn(project);
    const ends = await Promise.all([first.finished, second.finished]);
    expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    expect(ends[1].stdout).toContain('ok precompute  made by another run meanwhile\n');
    expect(shardsOf(project)).toEqual(EVERY_SHARD);
    expect(pidsOf(project, 'owner').size).toBe(1);
    expect(await project.contents()).toEqual(await alone());
    expect(readdirSync(join(project.runs, 'locks'))).toEqual([]);
  });

  it('that cannot help says so and waits', async () => {
    const { project, first, second } = await twoRuns({ helpersThrow: 'Expected a number, found none.' });
    await second.says('precompute: no more help with parts of it: Expected a number, found none.\n');
    goOn(project);
    const { code, stdout } = await second.finished;
    expect([code, (await first.finished).code]).toEqual([0, 0]);
    expect(stdout).toContain('ok precompute  made by another run meanwhile\n');
  });

  it('takes the artifact over when the first is killed', async () => {
    const { project, first, second } = await twoRuns({ shardMs: 100 }, '--jobs', '1');
    first.child.kill('SIGKILL');
    await first.finished;
    goOn(project);
    const { code, stdout } = await second.finished;
    expect(code).toBe(0);
    expect(stdout).toMatch(/ok precompute {2}\d/);
    expect(await project.contents()).toEqual(await alone());
    expect(readdirSync(join(project.runs, 'locks'))).toEqual([]);
  });
});

describe('a claim', () => {
  it('of a process that is gone is taken over', async () => {
    const { project } = await withClaim({
      pid: 99999999,
      host: hostname(),
      process: null,
    });
    expect((await project.call('run', '--jobs', '1')).code).toBe(0);
    expect(shardsOf(project)).toEqual(EVERY_SHARD);
    expect(await project.contents()).toEqual(await alone());
    expect(readdirSync(join(project.runs, 'locks'))).toEqual([]);
  });
});
