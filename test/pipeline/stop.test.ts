/** Runs that are stopped: by Ctrl-C, by kill -9, and by each other's locks. Real processes and real signals. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { makeProject } from './fixtures/project.ts';

/** Numbers of the processes that a process has started. */
function childrenOf(parent: number): number[] {
  const read = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter(
      (pid) =>
        read(pid)
          .replace(/^.*\) /s, '')
          .split(' ')[1] === String(parent),
    )
    .map(Number);
}

const isGone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe('Ctrl-C', () => {
  it('saves the work, says how to go on, and the next run takes it up', async () => {
    const project = await makeProject();
    project.order({ train: { stepMs: 400 } });
    const run = project.start('run', '--set', 'train.lambda=2', '--set', "report.title=it's");
    await run.says('train sbg: started');
    await sleep(500);
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.finished;
    expect(code).toBe(130);
    expect(stdout).toContain('Stopping: the work is being saved. Ctrl-C again ends it at once.\n');
    expect(stdout).not.toContain('failed');
    expect(stderr).toBe(
      "Stopped. Continue with: pipeline run --set train.lambda=2 --set 'report.title=it'\\''s'\n",
    );
    project.order({});
    const again = await project.run('run', '--set', 'train.lambda=2', '--set', "report.title=it's");
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/train (vanilla|sbg): resuming at step \d of 6/);
  });

  it('twice ends it at once', async () => {
    const project = await makeProject();
    project.order({ dataset: { stepMs: 60_000 } });
    const run = project.start('run');
    await run.says('dataset: started');
    await sleep(500);
    const workers = childrenOf(run.child.pid!);
    run.child.kill('SIGINT');
    await run.says('Stopping');
    run.child.kill('SIGINT');
    expect((await run.finished).code).toBe(130);
    expect(workers.length).toBeGreaterThan(0);
    expect(workers.every(isGone)).toBe(true);
  });
});

describe('kill -9', () => {
  it('at random moments ends the workers too, and the next run ends with the same bytes', async () => {
    const [whole, killed] = [await makeProject(), await makeProject()];
    await whole.call('run');
    killed.order(
      Object.fromEntries(
        ['dataset', 'precompute', 'train', 'report'].map((stage) => [stage, { stepMs: 250 }]),
      ),
    );
    for (let attempt = 0; attempt < 3; attempt++) {
      const run = killed.start('run');
      await run.says('started');
      await sleep(200 + Math.random() * 1500);
      const workers = childrenOf(run.child.pid!);
      run.child.kill('SIGKILL');
      await run.finished;
      await expect.poll(() => workers.every(isGone), { timeout: 5000 }).toBe(true);
    }
    killed.order({});
    const last = await killed.run('run');
    expect(last.code).toBe(0);
    expect(await killed.contents()).toEqual(await whole.contents());
  });
});

describe('two runs at once', () => {
  it('make one artifact once: the second waits and says for whom', async () => {
    const project = await makeProject();
    project.order({ dataset: { gate: true } });
    const first = project.start('run', 'dataset');
    await expect.poll(() => project.begun(), { timeout: 20_000 }).toEqual(['dataset']);
    const second = project.start('run', 'dataset');
    await second.says('dataset: waiting for');
    writeFileSync(join(project.folder, 'data', 'go'), '');
    const [one, other] = await Promise.all([first.finished, second.finished]);
    expect([one.code, other.code]).toEqual([0, 0]);
    expect(other.stdout).toMatch(
      /dataset: waiting for process \d+ on this machine \(run of dataset\) since /,
    );
    expect(other.stdout).toContain('ok dataset  made by another run meanwhile\n');
    expect(project.begun()).toEqual([]);
    const path = join(project.runs, 'locks');
    expect(readdirSync(path)).toEqual([]);
  });
});
