/** The whole pipeline on real digits in miniature: twice, killed, damaged. Bytes are compared, not impressions. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AttackSummary } from '../../schemas/attack-results.ts';
import type { EpochMetrics } from '../../schemas/results.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { readTable } from '../../store/tables.ts';
import {
  artifactHashes,
  artifactsOf,
  killAll,
  MINI_USPS,
  makeProject,
  type Project,
  run,
  start,
} from './support.ts';

let unbroken: Project;
let expected: Record<string, string>;

beforeAll(async () => {
  unbroken = makeProject(MINI_USPS);
  const { code, stderr } = await run(unbroken, '--quiet');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expected = artifactHashes(unbroken);
}, 600_000);

describe('the pipeline on USPS', () => {
  it('leaves artifacts of every stage, and shares what variants have in common', () => {
    const counts = ['dataset', 'score', 'precompute', 'train', 'attack', 'analyze', 'report'].map(
      (stage) => artifactsOf(unbroken, stage).length,
    );
    expect(counts).toEqual([1, 1, 2, 3, 3, 3, 1]);
  });

  it('reports the figures that the stages measured', async () => {
    const page = readFileSync(join(unbroken.runs, 'mini/report.html'), 'utf8');
    const rows = await readTable(join(unbroken.runs, 'mini/results.parquet'));
    expect(rows).toHaveLength(9);
    const summaries = artifactsOf(unbroken, 'attack').map(
      (folder) => JSON.parse(readFileSync(join(folder, 'attack.json'), 'utf8')) as AttackSummary,
    );
    expect(rows.map((row) => row.robust).sort()).toEqual(
      summaries.flatMap((summary) => summary.attacks.map((attack) => attack.robust)).sort(),
    );
    expect(summaries.flatMap((summary) => summary.doubts)).toEqual([]);
    expect(page).toContain('nearest-neighbor');
  });

  it('trains: the loss falls in every run, and the gradients turn towards their targets', async () => {
    for (const folder of artifactsOf(unbroken, 'train')) {
      const rows = (await readTable(join(folder, 'metrics.parquet'))) as unknown as EpochMetrics[];
      expect(rows.map((row) => row.epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(rows.at(-1)!.loss).toBeLessThan(rows[0]!.loss);
      const [first, last] = [rows[0]!.meanCosine, rows.at(-1)!.meanCosine];
      if (first !== null) expect(last).toBeGreaterThan(first);
    }
  });

  it('does nothing the second time', async () => {
    const { code, stdout } = await run(unbroken);
    expect(code).toBe(0);
    expect(stdout).toContain('mini: 14 there already');
    expect(artifactHashes(unbroken)).toEqual(expected);
  });

  it('gives the same bytes one stage after another as side by side', async () => {
    const project = makeProject(MINI_USPS);
    expect((await run(project, '--quiet', '--jobs', '1')).code).toBe(0);
    expect(artifactHashes(project)).toEqual(expected);
  });
});

describe('kill -9 at random moments', () => {
  const resumed = { score: 0, precompute: 0, train: 0 };
  type Resumable = keyof typeof resumed;

  /** Runs until a stage of that name has done a share of its work, then kills everything. */
  async function killDuring(project: Project, stage: Resumable, share: number): Promise<void> {
    const child = start(project, ['run', '--json']);
    const lines = createInterface({ input: child.stdout! });
    for await (const line of lines) {
      // The kill may cut the last line.
      if (!line.endsWith('}')) continue;
      const event = JSON.parse(line) as {
        event: string;
        id: string;
        done: number;
        total: number;
        sentence: string;
      };
      const name = event.id?.split('-')[0] as Resumable;
      if (event.event === 'note' && event.sentence.startsWith('resuming')) resumed[name] += 1;
      if (event.event === 'progress' && name === stage && event.done >= share * event.total) killAll(child);
    }
  }

  it('lose nothing that was finished: the end has the same bytes', async () => {
    const project = makeProject(MINI_USPS);
    const random = randomStream(11, 'kills');
    const rounds = [
      'score',
      'precompute',
      'score',
      'precompute',
      'train',
      'train',
      'train',
      'train',
    ] as const;
    for (const stage of rounds) await killDuring(project, stage, 0.9 * random.uniform());
    const { code, stdout, stderr } = await run(project);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(artifactHashes(project)).toEqual(expected);
    // The kills must have hit work in progress, or this test shows nothing.
    const last = stdout.match(/: resuming/g)?.length ?? 0;
    expect(resumed.score + resumed.precompute + resumed.train + last).toBeGreaterThan(0);
  });
});

describe('damage', () => {
  it('of a shard after the run is named, and only that shard is computed again', async () => {
    const folder = artifactsOf(unbroken, 'precompute').find((path) =>
      readFileSync(join(path, 'manifest.json'), 'utf8').includes('"nearest-neighbor"'),
    )!;
    truncateSync(join(folder, 'shard-00003.arrow'), 1000);
    const { code, stdout } = await run(unbroken);
    expect(code).toBe(0);
    expect(stdout).toMatch(/shard-00003/);
    expect(stdout).toMatch(/resuming with 4 of 5 shards finished/);
    expect(artifactHashes(unbroken)).toEqual(expected);
  });

  it('that hides behind the right size is found when the trainer reads the shard', async () => {
    const folder = artifactsOf(unbroken, 'precompute').find((path) =>
      readFileSync(join(path, 'manifest.json'), 'utf8').includes('"nearest-neighbor"'),
    )!;
    const path = join(folder, 'shard-00001.arrow');
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 4;
    writeFileSync(path, bytes);
    for (const stage of ['train', 'attack', 'analyze', 'report']) {
      for (const made of artifactsOf(unbroken, stage)) rmSync(made, { recursive: true });
    }
    const { code, stdout } = await run(unbroken);
    expect(code).toBe(0);
    expect(stdout).toMatch(/shard-00001/);
    expect(stdout).toMatch(/resuming with 4 of 5 shards finished/);
    expect(artifactHashes(unbroken)).toEqual(expected);
  });
});
