/** What reduced precision costs, as it is measured before a store is filled. The other precision is made here. */
import '../../support/engine.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StageContext } from '../../../schemas/stage.ts';
import { measurePrecision } from '../../../stages/precompute/precision-cost.ts';
import { runPrecompute } from '../../../stages/precompute/run.ts';
import { chooseTargets } from '../../../stages/precompute/target-classes.ts';
import type { TargetMaker } from '../../../stages/precompute/target-maker.ts';
import { readDataset } from '../../../store/dataset-artifact.ts';
import { readTensors, writeTensors } from '../../../store/tensor-file.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

const CLASSES = 12;
const COUNT = 50;
const SIZE = 8;
let dataset: string;

beforeAll(async () => {
  const images = Uint8Array.from({ length: COUNT * SIZE }, (_, i) => (i * 29) % 256);
  const labels = Uint16Array.from({ length: COUNT }, (_, i) => i % CLASSES);
  dataset = await datasetArtifact([2, 4, 1], CLASSES, { images, labels });
});

type Ask = NonNullable<StageContext['askInFloat32']>;

/** Asks the module itself, in this process, about gradients that are turned by an angle. */
const asking = (angle: number): Ask =>
  (async (module: URL, question: { file: string }) => {
    const { gradients } = (await readTensors(question.file)).tensors;
    const data = Float32Array.from(gradients!.data);
    for (let row = 0; row < data.length; row += SIZE) turn(data.subarray(row, row + SIZE), angle);
    await writeTensors(question.file, { gradients: { shape: gradients!.shape, data } });
    return (await import(module.href)).answer(question);
  }) as Ask;

/** Towards a vector of the same length that is at right angles to it. */
function turn(vector: Float32Array, angle: number): void {
  for (let j = 0; j < vector.length; j += 2) {
    const [a, b] = [vector[j]!, vector[j + 1]!];
    vector[j] = Math.cos(angle) * a - Math.sin(angle) * b;
    vector[j + 1] = Math.sin(angle) * a + Math.cos(angle) * b;
  }
}

function context(askInFloat32: Ask, directory?: string) {
  const config = configOf({ precompute: { method: 'class-mean', shardImages: 16 } });
  return Object.assign(contextOf(config, { dataset }, directory), { askInFloat32 });
}

const costOf = (directory: string) => JSON.parse(readFileSync(join(directory, 'precision.json'), 'utf8'));

describe('the cost of reduced precision', () => {
  it('is 1 - cos with float32, told, kept with the store, and measured once', async () => {
    const angle = 0.01;
    const made = context(asking(angle));
    await runPrecompute(made);
    const { meanCosineLoss, worstCosineLoss, ...rest } = costOf(made.directory);
    expect(rest).toEqual({ precision: 'bfloat16', images: 4, gradients: 40 });
    for (const loss of [meanCosineLoss, worstCosineLoss])
      expect(loss / (1 - Math.cos(angle))).toBeCloseTo(1, 2);
    expect(made.notes).toEqual(['bfloat16: 1 - cos with float32 5.0e-5, at worst 5.0e-5']);
    expect(readdirSync(made.directory).filter((name) => name.includes('sample'))).toEqual([]);
    const again = context(() => Promise.reject(new Error('asked twice')), made.directory);
    await runPrecompute(again);
    expect(again.notes).toEqual(['resuming with 4 of 4 shards finished']);
  });

  it('is told with advice where the cosine is less than 0.9999', async () => {
    const made = context(asking(0.02));
    await runPrecompute(made);
    expect(made.notes).toEqual([
      'bfloat16: 1 - cos with float32 2.0e-4, at worst 2.0e-4',
      'more than 1.0e-4: precompute.precision float32 avoids it',
    ]);
  });

  it('is measured on images and classes from all over the data set', async () => {
    const asked: [number, number[]][] = [];
    const maker: TargetMaker = {
      description: 'noted',
      async compute({ first, count, classes }) {
        asked.push([first, [...classes]]);
        return new Float32Array(count * classes.length * SIZE);
      },
    };
    const made = context(asking(0));
    const read = await readDataset(dataset);
    await measurePrecision(made, read, await chooseTargets(made.config.precompute, read), maker);
    const classes = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10];
    expect(asked).toEqual([0, 12, 25, 37].map((image) => [image, classes]));
    // Gradients of zeros have no direction; class means have one.
    expect(costOf(made.directory).worstCosineLoss).toBe(1);
  });

  it('is no business of a helper, nor of a process in float32', async () => {
    const ask: Ask = () => Promise.reject(new Error('asked'));
    const read = await readDataset(dataset);
    const maker: TargetMaker = { description: '', compute: () => Promise.reject(new Error('computed')) };
    const helper = { ...context(ask), sharing: { claims: 'nowhere', isHelper: true } };
    const { askInFloat32: _, ...single } = context(ask);
    for (const each of [helper, single]) {
      await measurePrecision(each, read, await chooseTargets(each.config.precompute, read), maker);
      expect(readdirSync(each.directory)).toEqual([]);
    }
  });

  it('is left for the next run where the user stops this one', async () => {
    const made = context(async () => {
      made.stop.abort();
      throw new Error('the process has ended');
    });
    await expect(runPrecompute(made)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(readdirSync(made.directory)).toEqual(['store.json']);
    const failing = context(() => Promise.reject(new Error('the process has ended')));
    await expect(runPrecompute(failing)).rejects.toThrow('the process has ended');
  });
});
