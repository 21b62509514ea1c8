/** The attack stage on pictures: cascades, kept images, and that chunks and batches leave no trace. */
import '../../support/engine.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AttackSummary, attackSummarySchema } from '../../../schemas/attack-results.ts';
import { runAttack } from '../../../stages/attack/run.ts';
import { readDataset } from '../../../store/dataset-artifact.ts';
import { readNpz } from '../../../store/datasets/npy.ts';
import { readTable } from '../../../store/tables.ts';
import { attackContext, type SmallWorld, smallWorld } from './small-world.ts';

const cascade = {
  method: 'auto-attack',
  version: 'custom',
  attacks: ['apgd-ce', 'apgd-t', 'square'],
  norm: 'Linf',
  eps: [0.02, 0.04],
  steps: 3,
  restarts: 1,
  queries: 40,
  targets: 3,
};
const attacks = [
  cascade,
  { method: 'pgd', norm: 'L2', eps: [0.2], steps: 5, randomStart: true, restarts: 2 },
  { method: 'fgsm', norm: 'Linf', eps: [0.04], targeted: true },
];

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});

const read = (directory: string) =>
  JSON.parse(readFileSync(join(directory, 'attack.json'), 'utf8')) as AttackSummary;
async function attacked(attack: object) {
  const context = attackContext(world, attack);
  await runAttack(context);
  const rows = await readTable(join(context.directory, 'images.parquet'));
  return { context, summary: read(context.directory), rows };
}
const bytesIn = (directory: string) =>
  ['attack.json', 'images.parquet'].map((name) => readFileSync(join(directory, name)).toString('base64'));

describe('a cascade of attacks', () => {
  it('hands on what still stands, and tells what each part did', async () => {
    const { summary, rows, context } = await attacked({ attacks });
    attackSummarySchema.parse(summary);
    expect(summary).toMatchObject({ n: 30, cleanCorrect: 28 });
    const [first] = summary.attacks;
    expect(summary.attacks.map(({ name }) => name)).toEqual([
      'auto-attack custom Linf 0.02',
      'auto-attack custom Linf 0.04',
      'pgd-5 L2 0.2',
      'targeted fgsm Linf 0.04',
    ]);
    expect(first!.parts.map(({ attack }) => attack)).toEqual(['apgd-ce', 'apgd-t', 'square']);
    const robust = first!.parts.map((part) => part.robust);
    expect(robust).toEqual([...robust].sort((a, b) => b - a));
    expect(robust[0]).toBeLessThan(28);
    expect(robust.at(-1)).toBe(first!.robust);
    expect(first!.robust).toBeGreaterThan(0);
    expect(first!.parts[2]!.gradients).toBe(0);
    expect(first!.parts[2]!.queries).toBeGreaterThan(0);
    const own = rows.filter((row) => row.attack === first!.name);
    expect(own.map(({ image }) => image)).toEqual([...Array(30).keys()]);
    for (const row of own) {
      const isBroken = row.brokenBy !== null;
      const wasWrong = row.cleanPrediction !== row.label;
      expect(row.survived).toBe(!isBroken && !wasWrong);
      expect(row.queries === 0).toBe(wasWrong);
      expect(row.adversarialPrediction === row.label).toBe(row.survived);
      expect(row.distance as number).toBeLessThanOrEqual(0.02 + 1e-6);
      expect((row.distance as number) > 0).toBe(isBroken);
    }
    const sum = own.reduce((total, row) => total + Number(row.queries), 0);
    expect(sum).toBe(first!.parts.reduce((total, part) => total + part.queries, 0));
    const { confusion } = first!;
    expect(confusion.flat().reduce((a, b) => a + b, 0)).toBe(30);
    expect(confusion.reduce((total, row, i) => total + row[i]!, 0)).toBe(first!.robust);
    const timings = await readTable(join(context.directory, 'timings.parquet'));
    expect(timings).toHaveLength(rows.length);
    expect(timings.reduce((total, row) => total + Number(row.seconds), 0)).toBeGreaterThan(0);
    expect(existsSync(join(context.directory, 'work'))).toBe(false);
    expect(context.lines.at(-1)).toMatchObject({ done: 120, total: 120 });
  });

  it('ends with the same bytes in chunks and batches of any size', async () => {
    const sizes = [
      {},
      { chunkImages: 7, batchSize: 5 },
      { chunkImages: 1 },
      { chunkImages: 30, batchSize: 64 },
    ];
    const all: string[][] = [];
    for (const size of sizes) all.push(bytesIn((await attacked({ attacks, ...size })).context.directory));
    for (const other of all.slice(1)) expect(other).toEqual(all[0]);
  });

  it('of no attack at all measures the clean accuracy', async () => {
    const { summary, rows } = await attacked({ attacks: [], images: 10 });
    expect(summary).toMatchObject({ n: 10, cleanCorrect: 8, attacks: [] });
    expect(rows).toEqual([]);
  });
});

describe('adversarial images that are kept', () => {
  it('are those that are counted, as arrays and as pictures, whatever the chunks', async () => {
    const { context, rows } = await attacked({ attacks, keep: 'both', chunkImages: 11 });
    const folder = join(context.directory, 'adversarial');
    const stem = '0-auto-attack-custom-Linf-0.02';
    expect(readdirSync(folder)).toContain(`${stem}.png`);
    const arrays = await readNpz(join(folder, `${stem}.npz`));
    const broken = rows.filter(
      (row) => row.attack === 'auto-attack custom Linf 0.02' && row.brokenBy !== null,
    );
    expect(arrays.get('x')).toMatchObject({ shape: [broken.length, 6, 6, 1], dtype: '<f4' });
    const numbers = async (name: string) => {
      const stream = await arrays.get(name)!.open();
      const bytes = await stream.take(4 * broken.length);
      await stream.close();
      return [...new Int32Array(new Uint8Array(bytes).buffer)];
    };
    expect(await numbers('index')).toEqual(broken.map(({ image }) => image));
    expect(await numbers('label')).toEqual(broken.map(({ label }) => label));
    expect(await numbers('prediction')).toEqual(broken.map((row) => row.adversarialPrediction));
    const { test } = await readDataset(world.dataset);
    const stream = await arrays.get('x')!.open();
    const x = new Float32Array(new Uint8Array(await stream.take(4 * 36 * broken.length)).buffer);
    await stream.close();
    broken.forEach((row, i) => {
      const clean = test.slice(row.image as number, 1);
      const differences = Array.from(clean, (value, j) => Math.abs(x[i * 36 + j]! - value));
      expect(Math.max(...differences)).toBeCloseTo(row.distance as number, 12);
    });
    const pictures = readdirSync(join(folder, stem));
    expect(pictures).toEqual(broken.map(({ image }) => `${String(image).padStart(6, '0')}.png`));
  });
});
