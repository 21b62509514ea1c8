/** Trainings in both precisions in one run: worker processes of their own, results that differ and stay close. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main } from '../../../pipeline/cli.ts';
import { examineCpu } from '../../../pipeline/engine/cpu.ts';
import { hasBfloat16 } from '../../../pipeline/engine/precision.ts';
import { thisWorld } from '../../../pipeline/world.ts';
import { readTable } from '../../../store/tables.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { makeProject } from '../fixtures/project.ts';

const EXPERIMENT = `name: precisions
dataset: { name: usps, trainImages: 512, testImages: 64 }
train:
  { method: vanilla, batchSize: 64, epochs: 2, network: { kind: cnn, layers:
    [{ kind: conv, channels: 8 }, relu, { kind: conv, channels: 16, stride: 2 }, batch-norm, relu, flatten, dense] } }
attack: { attacks: [{ method: pgd, norm: L2, eps: [0.5], steps: 2 }] }
matrix: { train.precision: [float32, bfloat16] }
`;

/** Folders of the artifacts of a stage, by the precision of the training. */
function artifactsOf(runs: string, stage: string): Record<string, string> {
  const folders = readdirSync(join(runs, 'artifacts')).filter((name) => name.startsWith(`${stage}-`));
  return Object.fromEntries(
    folders.map((name) => {
      const folder = join(runs, 'artifacts', name);
      const { config } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
      return [config.precision, folder];
    }),
  );
}

const engineOf = (folder: string): string =>
  JSON.parse(readFileSync(join(folder, 'provenance.json'), 'utf8')).engine;

async function weightsOf(folder: string): Promise<number[]> {
  const { tensors } = await readTensors(join(folder, 'model.safetensors'));
  return Object.values(tensors).flatMap(({ data }) => [...data].map(Number));
}

const able = hasBfloat16(examineCpu());
const unable = able ? '' : ' (this processor has no amx_bf16)';

describe('training in bfloat16', () => {
  it.skipIf(!able)(`is close to float32 and not the same; attacks stay in float32${unable}`, async () => {
    const { runs, folder } = await makeProject(EXPERIMENT);
    const words = ['run', 'attack', '--config', join(folder, 'experiment.yaml'), '--runs', runs];
    const quiet = { write: () => true };
    expect(await main([...words, '--jobs', '1'], { ...thisWorld(), stdout: quiet })).toBe(0);

    const { float32, bfloat16 } = artifactsOf(runs, 'train') as { float32: string; bfloat16: string };
    expect(engineOf(float32)).toBe('tensorflow 2.21.0 (CPU:0, float32)');
    expect(engineOf(bfloat16)).toBe('tensorflow 2.21.0 (CPU:0, bfloat16)');
    const attacks = readdirSync(join(runs, 'artifacts')).filter((name) => name.startsWith('attack-'));
    expect(attacks).toHaveLength(2);
    for (const name of attacks) expect(engineOf(join(runs, 'artifacts', name))).toMatch(/, float32\)$/);

    const [a, b] = await Promise.all([float32, bfloat16].map(weightsOf));
    const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    const cosine = dot(a!, b!) / Math.sqrt(dot(a!, a!) * dot(b!, b!));
    expect(cosine).toBeGreaterThan(0.999);
    expect(b).not.toEqual(a);
    const losses = await Promise.all(
      [float32, bfloat16].map(async (path) => (await readTable(join(path, 'metrics.parquet'))).at(-1)!.loss),
    );
    expect(Math.abs(Number(losses[0]) / Number(losses[1]) - 1)).toBeLessThan(0.05);
  });
});

const TARGETS = `name: targets
dataset: { name: usps, trainImages: 256, testImages: 16 }
score:
  network: { kind: unet, patch: 2, channels: 8, multipliers: [1, 2], groups: 4 }
  steps: 30
  samples: { perClass: 0 }
  validation: { images: 0 }
precompute: { precision: bfloat16 }
train: { method: pag }
`;

describe('target gradients in bfloat16', () => {
  it.skipIf(!able)(`are held against some of another process in float32${unable}`, async () => {
    const { runs, folder } = await makeProject(TARGETS);
    const words = ['run', 'precompute', '--config', join(folder, 'experiment.yaml'), '--runs', runs];
    const told: string[] = [];
    const stdout = { write: (text: string) => told.push(text) > 0 };
    expect(await main([...words, '--jobs', '1'], { ...thisWorld(), stdout })).toBe(0);
    const name = readdirSync(join(runs, 'artifacts')).find((each) => each.startsWith('precompute-'))!;
    const store = join(runs, 'artifacts', name);
    expect(engineOf(store)).toMatch(/, bfloat16\)$/);
    const cost = JSON.parse(readFileSync(join(store, 'precision.json'), 'utf8'));
    expect(cost).toMatchObject({ precision: 'bfloat16', images: 4, gradients: 40 });
    // As much as 8 bits of mantissa may make, and not nothing, as the same precision would.
    expect(cost.meanCosineLoss).toBeGreaterThan(1e-7);
    expect(cost.meanCosineLoss).toBeLessThan(0.1);
    expect(cost.worstCosineLoss).toBeGreaterThan(cost.meanCosineLoss);
    expect(told.join('')).toContain('bfloat16: 1 - cos with float32');
    const { files } = JSON.parse(readFileSync(join(store, 'manifest.json'), 'utf8'));
    expect(files.map((file: { name: string }) => file.name)).toContain('precision.json');
  });
});
