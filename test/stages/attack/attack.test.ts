/** The attack stage: outcomes, doubts, and a stop in the middle. */
import '../../support/engine.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AttackSummary } from '../../../schemas/attack-results.ts';
import { drawTarget } from '../../../stages/attack/chunk.ts';
import { runAttack } from '../../../stages/attack/run.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { writeModel } from '../../../store/model-files.ts';
import { readTable } from '../../../store/tables.ts';
import { configOf, contextOf, datasetArtifact, temporaryFolder } from '../../support/stage-context.ts';

/** Points x ∈ {-3 … 3} on a line in the plane, class 1 where x > 0; the classifier's border is x = 0 exactly. */
let dataset: string;
let linear: string;
const xs = [-3, -2, -1, -0.4, 0.4, 1, 2, 3];

async function mlp(hiddenWeights: number[]): Promise<string> {
  const directory = temporaryFolder();
  const layout = makeClassifier({ kind: 'mlp', hidden: [2] }, [2], 2).parameters;
  // relu(x) and relu(−x), then class 1 minus class 0 = x.
  const flat = Float32Array.of(...hiddenWeights, 0, 0, 0, 1, 1, 0, 0, 0);
  await writeModel(
    directory,
    layout,
    { flat },
    {
      version: 1,
      network: { kind: 'mlp', hidden: [2] },
      normalization: { mean: 0, std: 1 },
      shape: [2],
      classNames: ['left', 'right'],
      parameters: flat.length,
      provenance: {},
    },
  );
  return directory;
}

beforeAll(async () => {
  const images = Float32Array.from(xs.flatMap((x) => [x, 5]));
  dataset = await datasetArtifact([2], 2, { images, labels: Uint16Array.from(xs, (x) => (x > 0 ? 1 : 0)) });
  linear = await mlp([1, -1, 0, 0]);
});

const attacks = [
  { method: 'pgd', norm: 'L2', eps: [0.5, 1.5], steps: 10 },
  { method: 'fgsm', norm: 'Linf', eps: [1.5] },
  { method: 'pgd', norm: 'L2', eps: [1.5], steps: 10, targeted: true, randomStart: true },
];

const summaryIn = (directory: string) =>
  JSON.parse(readFileSync(join(directory, 'attack.json'), 'utf8')) as AttackSummary;

describe('attacks on a classifier whose border is known', () => {
  it('break exactly the points that are nearer to the border than ε', async () => {
    const context = contextOf(configOf({ attack: { attacks, batchSize: 3 } }), { dataset, train: linear });
    await runAttack(context);
    const summary = summaryIn(context.directory);
    expect(summary).toMatchObject({ n: 8, cleanCorrect: 8, doubts: [] });
    expect(summary.attacks.map((attack) => attack.robust)).toEqual([6, 4, 4, 4]);
    const rows = await readTable(join(context.directory, 'images.parquet'));
    expect(rows).toHaveLength(4 * 8);
    const first = rows.filter((row) => row.attack === 'pgd-10 L2 0.5');
    expect(first.map((row) => row.survived)).toEqual(xs.map((x) => Math.abs(x) > 0.5));
    for (const row of rows) expect(row.distance as number).toBeLessThanOrEqual(1.5001);
    expect(context.lines.at(-1)).toMatchObject({ done: 32, total: 32, unit: 'images' });
  });

  it('find the least perturbation of each, whatever ε is, and accuracy at every ε from it', async () => {
    const minimal = { method: 'fab', norm: 'L2', eps: [1.5], minimal: true, steps: 30 };
    const context = contextOf(configOf({ attack: { attacks: [minimal] } }), { dataset, train: linear });
    await runAttack(context);
    const [result] = summaryIn(context.directory).attacks;
    expect(result).toMatchObject({ name: 'minimal fab-30 L2 1.5', robust: 4 });
    const rows = await readTable(join(context.directory, 'images.parquet'));
    rows.forEach((row, i) => {
      expect(row.distance as number).toBeGreaterThanOrEqual(Math.abs(xs[i]!));
      expect(row.distance as number).toBeLessThan(1.02 * Math.abs(xs[i]!));
    });
    expect(rows.map((row) => row.survived)).toEqual(xs.map((x) => Math.abs(x) > 1.5));
    const { curve } = result!;
    expect(curve!.map(({ eps }) => eps)).toEqual(curve!.map(({ eps }) => eps).sort((a, b) => a - b));
    for (const { eps, robust } of curve!) {
      expect(robust).toBeGreaterThanOrEqual(xs.filter((x) => Math.abs(x) > eps).length);
      expect(robust).toBeLessThanOrEqual(xs.filter((x) => 1.02 * Math.abs(x) > eps).length);
    }
  });

  it('taken up after a stop repeat nothing that was finished, and end alike', async () => {
    const whole = contextOf(configOf({ attack: { attacks } }), { dataset, train: linear });
    await runAttack(whole);
    const broken = contextOf(configOf({ attack: { attacks } }), { dataset, train: linear });
    broken.progress = ({ done }) => {
      if (done > 16) broken.stop.abort();
    };
    await expect(runAttack(broken)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(existsSync(join(broken.directory, 'work', 'chunk-00000-attack-1-part-0.json'))).toBe(true);
    await runAttack(contextOf(broken.config, { dataset, train: linear }, broken.directory));
    for (const name of ['attack.json', 'images.parquet']) {
      const bytes = (directory: string) => readFileSync(join(directory, name));
      expect(bytes(broken.directory).equals(bytes(whole.directory))).toBe(true);
    }
    expect(existsSync(join(broken.directory, 'work'))).toBe(false);
  });

  it('say so when the loss has no slope at all', async () => {
    const dead = await mlp([0, 0, 0, 0]);
    const context = contextOf(configOf({ attack: { attacks } }), { dataset, train: dead });
    await runAttack(context);
    expect(summaryIn(context.directory).doubts.map(({ kind }) => kind)).toContain('zero-gradients');
  });

  it('draw targets other than the true class, each as often', () => {
    const hits = new Map<number, number>();
    for (let image = 0; image < 3000; image++) {
      const target = drawTarget(0, image, 2, 4);
      hits.set(target, (hits.get(target) ?? 0) + 1);
    }
    expect([...hits.keys()].sort()).toEqual([0, 1, 3]);
    for (const count of hits.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(667));
  });
});
