import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeProject, type Project } from './fixtures/project.ts';

/** Folder of the first artifact of a stage. */
function artifactOf({ runs }: Project, stage: string): string {
  const root = join(runs, 'artifacts');
  return join(root, readdirSync(root).find((name) => name.startsWith(`${stage}-`))!);
}

const ALL = ['dataset', 'precompute', 'precompute', 'train', 'train', 'train', 'report'].sort();

describe('a run', () => {
  it('makes each artifact once, copies the report, and does nothing the second time', async () => {
    const project = await makeProject();
    const first = await project.call('run');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(project.begun().sort()).toEqual(ALL);
    const page = join(project.runs, 'small', 'report.html');
    expect(first.stdout.split('\n').slice(-3)).toEqual(['a table of results', page, '']);
    expect(readFileSync(page, 'utf8')).toBe('<p>report</p>\n');
    const before = await project.contents();

    const second = await project.call('run');
    expect(second.stdout).toBe(`small: 7 there already\na table of results\n${page}\n`);
    expect(project.begun()).toEqual([]);
    expect(await project.contents()).toEqual(before);
  });

  it('of one stage makes what that needs and names the folders', async () => {
    const project = await makeProject();
    const { stdout } = await project.call('run', 'precompute');
    expect(project.begun().sort()).toEqual(['dataset', 'precompute', 'precompute']);
    const folders = stdout.trim().split('\n').slice(-2);
    for (const folder of folders) expect(existsSync(join(folder, 'manifest.json'))).toBe(true);
  });

  it('writes the same manifests in every folder, and tells who made them in a file of its own', async () => {
    const [one, other] = [await makeProject(), await makeProject()];
    await one.call('run');
    await other.call('run', '--jobs', '1');
    expect(await one.contents()).toEqual(await other.contents());
    const provenance = JSON.parse(readFileSync(join(artifactOf(one, 'train'), 'provenance.json'), 'utf8'));
    expect(provenance).toMatchObject({ resumed: 0, node: process.version, engine: null });
    expect(provenance.package).toMatch(/^pag-pipeline \d/);
  });

  it('runs only what a changed setting concerns', async () => {
    const project = await makeProject();
    await project.call('run');
    project.begun();
    await project.call('run', '--set', 'train.lambda=5');
    expect(project.begun().sort()).toEqual(['report', 'train', 'train', 'train']);
  });
});

describe('a stage that fails', () => {
  const kept = 'What was finished is kept; the next run goes on from there.';

  it('stops the others with their work saved, and is told once', async () => {
    const project = await makeProject();
    project.order({ train: { throw: 'Expected a tree, found a bush.' }, precompute: { stepMs: 1500 } });
    const failed = await project.call('run', '--jobs', '3');
    expect(failed).toMatchObject({ code: 1, stderr: 'Expected a tree, found a bush.\n' });
    expect(failed.stdout).toContain(
      'failed train vanilla\nStopping the other stages; their work is being saved.\n',
    );
    expect(failed.stdout).toContain('precompute sbg: stopped\n');
    expect(failed.stdout.trimEnd().split('\n').at(-1)).toBe(kept);
    project.order({});
    project.begun();
    const { stdout, code } = await project.call('run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/precompute (sbg|nn): resuming at step \d of 6/);
    expect(project.begun()).not.toContain('dataset');
  });

  it('by a fault of the program says so, and shows where with --verbose', async () => {
    const project = await makeProject();
    project.order({ dataset: { crash: true } });
    const { stderr, code } = await project.call('run');
    expect(code).toBe(1);
    expect(stderr).toBe(
      'Unexpected error: cannot read what is not there\nThis is a fault of the program; run again with --verbose to see where it arose.\n',
    );
    const verbose = await project.call('run', '--verbose');
    expect(verbose.stderr).toMatch(/TypeError: cannot read what is not there\n {4}at .*stages\.ts/);
  });

  it.each([
    [
      { kill: 'SIGKILL' },
      'found that it was killed by SIGKILL, as the system does when memory runs out; lower --jobs or the batch size if that is so.',
    ],
    [{ kill: 'SIGSEGV' }, 'found that it was killed by SIGSEGV.'],
    [{ exit: 7 }, 'found that it ended with exit code 7.'],
  ] as const)('by the death of its process (%j) is told in a sentence', async (orders, found) => {
    const project = await makeProject();
    project.order({ dataset: orders });
    const { stderr, code, stdout } = await project.call('run', '--verbose');
    const log = join(project.runs, 'logs', readdirSync(join(project.runs, 'logs'))[0]!);
    expect(code).toBe(1);
    expect(stderr.split('\n')[0]).toBe(
      `Expected the worker of dataset to finish, ${found} Its output is in ${log}; run the same command again to go on.`,
    );
    if ('kill' in orders) {
      expect(readFileSync(log, 'utf8')).toBe('about to go\n');
      expect(stdout).toContain('dataset | about to go\n');
    }
  });
});

describe('damage', () => {
  it('that shows by its size is mended before work, and only the damaged file is made anew', async () => {
    const project = await makeProject();
    await project.call('run');
    const before = await project.contents();
    const folder = artifactOf(project, 'precompute');
    writeFileSync(join(folder, 'shard-00003.txt'), 'torn');
    project.begun();
    const plan = await project.call('plan');
    expect(plan.stdout).toMatch(
      /resume +precompute .*\n +shard-00003.txt is damaged; about .+ for each training image\n/,
    );
    const { stdout } = await project.call('run');
    expect(stdout).toMatch(/^precompute (sbg|nn): shard-00003.txt is damaged$/m);
    expect(stdout).toContain('resuming at step 5 of 6');
    expect(project.begun()).toEqual(['precompute']);
    expect(await project.contents()).toEqual(before);
  });

  it('that a reader meets is mended, told, and the reader tried once more', async () => {
    const project = await makeProject();
    await project.call('run', 'precompute');
    const shard = join(artifactOf(project, 'precompute'), 'shard-00001.txt');
    const good = readFileSync(shard, 'utf8');
    writeFileSync(shard, good.replace('1', '2'));
    project.begun();
    const { stdout, stderr, code } = await project.call('run');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /train (sbg|nn): found damage in precompute (sbg|nn) \(shard-00001.txt\); making that anew, then once more train \1\n/,
    );
    expect(readFileSync(shard, 'utf8')).toBe(good);
    expect(project.begun().sort()).toEqual(['precompute', 'report', 'train', 'train', 'train', 'train']);
    expect((await project.call('run', '--json')).stdout).not.toContain('"run"');
  });

  it('that comes back is told, and not mended for ever', async () => {
    const project = await makeProject();
    await project.call('run', 'dataset');
    project.order({ precompute: { damageInput: true } });
    project.begun();
    const { stderr, code } = await project.call('run', 'precompute', '--jobs', '1');
    expect(code).toBe(1);
    expect(stderr).toBe('Expected shard-00000.txt of dataset to be whole, found other bytes.\n');
    expect(project.begun()).toEqual(['precompute', 'dataset', 'precompute']);
  });

  it('by removal of an input is mended together with what that input needs', async () => {
    const project = await makeProject();
    await project.call('run', 'precompute');
    rmSync(artifactOf(project, 'dataset'), { recursive: true });
    project.begun();
    const { code } = await project.call('run');
    expect(code).toBe(0);
    expect(project.begun().sort()).toEqual(['dataset', 'report', 'train', 'train', 'train']);
  });

  it('of the memory of the last run is told', async () => {
    const project = await makeProject();
    await project.call('run', 'dataset');
    const path = join(project.runs, 'small', 'last-run.json');
    writeFileSync(path, '{');
    const { stderr, code } = await project.call('run');
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Expected ${path} to tell what the last run of small needed, found something else; remove that file and run the experiment again.\n`,
    );
  });
});
