/** `--no-resume`: what an earlier run left unfinished is discarded; what is finished, or held by others, is not. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeProject, type Project } from './fixtures/project.ts';

const FAILS = { train: { throw: 'Expected a tree, found a bush.' } };

const artifactsOf = ({ runs }: Project, stage: string) =>
  readdirSync(join(runs, 'artifacts'))
    .filter((name) => name.startsWith(`${stage}-`))
    .map((name) => join(runs, 'artifacts', name));

/** A project whose training failed, with a step of another making in what it left. */
async function stoppedProject(): Promise<Project> {
  const project = await makeProject();
  project.order(FAILS);
  await project.call('run', '--jobs', '1');
  project.order({});
  project.begun();
  for (const folder of artifactsOf(project, 'train')) {
    writeFileSync(join(folder, 'shard-00000.txt'), 'of another making');
  }
  return project;
}

describe('unfinished work', () => {
  it('is taken up again', async () => {
    const project = await stoppedProject();
    const plan = await project.call('plan', '--resume');
    expect(plan.stdout).toMatch(/resume +train vanilla\n +an earlier run was stopped\n/);
    expect((await project.call('plan')).stdout).toBe(plan.stdout);
    const { stdout } = await project.call('run', 'train', '--resume');
    expect(stdout).toContain('train vanilla: resuming at step 1 of 6');
    const texts = [...(await project.contents()).values()];
    expect(texts).toContain('of another making');
  });

  it('is discarded with --no-resume, as the plan says, and what is finished stays', async () => {
    const [fresh, project] = [await makeProject(), await stoppedProject()];
    await fresh.call('run');
    const plan = await project.call('plan', '--no-resume');
    expect(plan.stdout).toMatch(
      /run +train vanilla\n +an earlier run was stopped; its work is discarded, as --no-resume asks\n/,
    );
    const { code, stdout } = await project.call('run', '--no-resume');
    expect(code).toBe(0);
    expect(stdout).not.toContain('resuming');
    expect(project.begun().sort()).toEqual(['report', 'train', 'train', 'train']);
    expect(await project.contents()).toEqual(await fresh.contents());
  });

  it('of an artifact that is only damaged keeps its good files, whoever finds the damage', async () => {
    const project = await makeProject();
    await project.call('run', 'precompute');
    const shard = (name: string) => join(artifactsOf(project, 'precompute')[0]!, name);
    writeFileSync(shard('shard-00003.txt'), 'torn');
    const found = await project.call('run', 'precompute', '--no-resume');
    expect(found.stdout).toContain('resuming at step 5 of 6');
    const good = readFileSync(shard('shard-00001.txt'), 'utf8');
    writeFileSync(shard('shard-00001.txt'), good.replace('1', '2'));
    const { stdout } = await project.call('run', '--no-resume');
    expect(stdout).toContain('found damage in precompute');
    expect(stdout).toContain('resuming at step 5 of 6');
    expect(readFileSync(shard('shard-00001.txt'), 'utf8')).toBe(good);
  });

  it('that another run is at is waited for, and left alone when it is finished', async () => {
    const project = await makeProject();
    project.order({ dataset: { gate: true } });
    const first = project.start('run', 'dataset');
    await expect.poll(() => project.begun(), { timeout: 20_000 }).toEqual(['dataset']);
    const second = project.start('run', 'dataset', '--no-resume');
    await second.says('dataset: waiting for');
    writeFileSync(join(project.folder, 'data', 'go'), '');
    const [one, other] = await Promise.all([first.finished, second.finished]);
    expect([one.code, other.code]).toEqual([0, 0]);
    expect(other.stdout).toContain('ok dataset  made by another run meanwhile\n');
    expect(project.begun()).toEqual([]);
  });
});

describe('pipeline run --help', () => {
  it('tells of --no-resume', async () => {
    const project = await makeProject();
    const { stdout, code } = await project.run('run', '--help');
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      '--resume Go on with unfinished work; --no-resume discards it [boolean] [default: true]',
    );
  });
});
