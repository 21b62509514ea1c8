/** The certificate as a part of the attack stage, on a classifier whose border is known. */
import '../../support/engine.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AttackSummary } from '../../../schemas/attack-results.ts';
import { runAttack } from '../../../stages/attack/run.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { writeModel } from '../../../store/model-files.ts';
import { readTable } from '../../../store/tables.ts';
import { configOf, contextOf, datasetArtifact, temporaryFolder } from '../../support/stage-context.ts';

/** Points (x, 5), class 1 where x > 0, as the classifier says; the last label is wrong, and 0.01 is near the border. */
const xs = [-2, -0.5, 0.01, 0.7, 1.6, 0.9];
const labels = Uint16Array.of(0, 0, 1, 1, 1, 0);
const certify = { sigma: 0.5, n0: 50, n: 1000, alpha: 0.001, radii: [0, 0.25, '1/2', 2] };

let inputs: { dataset: string; train: string };

beforeAll(async () => {
  const images = Float32Array.from(xs.flatMap((x) => [x, 5]));
  const train = temporaryFolder();
  const network = { kind: 'mlp' as const, hidden: [2] };
  const layout = makeClassifier(network, [2], 2).parameters;
  // relu(x) and relu(−x), then class 1 minus class 0 = x.
  const flat = Float32Array.of(1, -1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0);
  const rest = { version: 1 as const, normalization: { mean: 0, std: 1 }, provenance: {} };
  const described = { ...rest, network, shape: [2], parameters: flat.length };
  await writeModel(train, layout, { flat }, { ...described, classNames: ['left', 'right'] });
  inputs = { dataset: await datasetArtifact([2], 2, { images, labels }), train };
});

const contextWith = (attack: object, directory?: string) =>
  contextOf(
    configOf({ attack: { attacks: [{ method: 'fgsm', norm: 'L2', eps: [0.6] }], ...attack } }),
    inputs,
    directory,
  );
const summaryIn = (directory: string) =>
  JSON.parse(readFileSync(join(directory, 'attack.json'), 'utf8')) as AttackSummary;

describe('attack.certify', () => {
  it('writes one row per image, whose radius reaches nearly to the border, and counts them', async () => {
    const context = contextWith({ certify });
    await runAttack(context);
    const rows = await readTable(join(context.directory, 'certified.parquet'));
    expect(rows.map((row) => row.prediction)).toEqual([0, 0, -1, 1, 1, 1]);
    expect(rows.map((row) => row.smoothedPrediction)).toEqual([0, 0, -1, 1, 1, 1]);
    expect(rows.map((row) => row.label)).toEqual([...labels]);
    // With 1000 draws no radius is larger than σ Φ⁻¹(0.001^(1/1000)) = 0.5 · 2.4633.
    rows.forEach((row, i) => {
      const largest = row.prediction === -1 ? 0 : Math.min(Math.abs(xs[i]!), 1.23165);
      expect(row.radius as number).toBeLessThanOrEqual(largest);
      expect(row.radius as number).toBeGreaterThanOrEqual(0.75 * largest);
    });
    expect(summaryIn(context.directory).certificate).toEqual({
      sigma: 0.5,
      n0: 50,
      n: 1000,
      alpha: 0.001,
      images: 6,
      abstained: 1,
      radii: [
        { radius: 0, correct: 4 },
        { radius: 0.25, correct: 4 },
        { radius: 0.5, correct: 3 },
        { radius: 2, correct: 0 },
      ],
      predicted: { correct: 4, abstained: 1 },
    });
    expect(context.lines.at(-1)).toMatchObject({ done: 12, total: 12, unit: 'images' });
  });

  it('taken up after a stop goes on with the next image, and ends with the same bytes', async () => {
    const whole = contextWith({ certify });
    await runAttack(whole);
    const broken = contextWith({ certify });
    broken.progress = ({ done }) => {
      if (done === 6 + 3) broken.stop.abort();
    };
    await expect(runAttack(broken)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const part = join(broken.directory, 'work', 'certificates.json');
    expect((JSON.parse(readFileSync(part, 'utf8')) as unknown[]).length).toBe(3);
    const resumed = contextWith({ certify }, broken.directory);
    await runAttack(resumed);
    expect(resumed.lines[0]).toMatchObject({ done: 6 + 3 });
    expect(existsSync(part)).toBe(false);
    for (const name of ['attack.json', 'images.parquet', 'certified.parquet']) {
      const bytes = (directory: string) => readFileSync(join(directory, name));
      expect(bytes(broken.directory).equals(bytes(whole.directory))).toBe(true);
    }
  });

  it('takes the same draws in batches of any size, and only as many images as asked for', async () => {
    const [few, other] = [
      contextWith({ certify: { ...certify, images: 2 } }),
      contextWith({ certify, batchSize: 7 }),
    ];
    await runAttack(few);
    await runAttack(other);
    const [rows, all] = await Promise.all(
      [few, other].map(({ directory }) => readTable(join(directory, 'certified.parquet'))),
    );
    expect(rows).toEqual(all!.slice(0, 2));
  });

  it('is off unless given', async () => {
    const context = contextWith({});
    await runAttack(context);
    expect(summaryIn(context.directory)).not.toHaveProperty('certificate');
    expect(existsSync(join(context.directory, 'certified.parquet'))).toBe(false);
  });
});
