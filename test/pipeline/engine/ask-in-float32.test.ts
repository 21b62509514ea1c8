/** A module of a stage, asked in a process of its own: the gradients that it computes there are those of this process. */
import '../../support/engine.ts';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { askInFloat32 } from '../../../pipeline/engine/ask-in-float32.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import type { CostQuestion } from '../../../stages/precompute/float32-gradients.ts';
import { makeTargets } from '../../../stages/precompute/make-targets.ts';
import { sampleGradients } from '../../../stages/precompute/sample-gradients.ts';
import { chooseTargets } from '../../../stages/precompute/target-classes.ts';
import { runScore } from '../../../stages/score/run.ts';
import { readDataset } from '../../../store/dataset-artifact.ts';
import { writeTensors } from '../../../store/tensor-file.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

const MODULE = new URL('../../../stages/precompute/float32-gradients.ts', import.meta.url);
const CLASSES = 3;
const COUNT = 30;
const SIZE = 16;
let question: CostQuestion;
let data: Float32Array;

beforeAll(async () => {
  registerGradients();
  const images = Uint8Array.from({ length: COUNT * SIZE }, (_, i) => (i * 41) % 256);
  const labels = Uint16Array.from({ length: COUNT }, (_, i) => i % CLASSES);
  const dataset = await datasetArtifact([4, 4, 1], CLASSES, { images, labels });
  const network = { kind: 'unet', channels: 4, multipliers: [1, 2], groups: 2 };
  const score = { network, steps: 3, batchSize: 8, samples: { perClass: 0 }, validation: { images: 0 } };
  const config = configOf({ score });
  const trained = contextOf(config, { dataset });
  await runScore(trained);
  const { inputs, directory } = contextOf(config, { dataset, score: trained.directory });
  question = { config, inputs, file: join(directory, 'sample.safetensors') };
  const read = await readDataset(dataset);
  const targets = await chooseTargets(config.precompute, read);
  ({ data } = await sampleGradients(await makeTargets(question, read), targets, read));
});

async function lossOf(gradients: Float32Array) {
  await writeTensors(question.file, {
    gradients: { shape: [gradients.length / SIZE, SIZE], data: gradients },
  });
  return askInFloat32<{ meanCosineLoss: number; worstCosineLoss: number }>(MODULE, question);
}

describe('a question to a process in float32', () => {
  it('is answered by the module of the stage', async () => {
    expect(data.length).toBe(4 * CLASSES * SIZE);
    const same = await lossOf(data);
    expect(same.worstCosineLoss).toBeLessThan(1e-12);
    const one = data.slice();
    one.subarray(0, SIZE).forEach((value, j) => {
      one[j] = -value;
    });
    const { meanCosineLoss, worstCosineLoss } = await lossOf(one);
    expect(worstCosineLoss).toBeCloseTo(2, 10);
    expect(meanCosineLoss).toBeCloseTo(2 / (4 * CLASSES), 10);
  });

  it('brings back what is thrown there', async () => {
    const asked = { ...question, file: '/nowhere/sample.safetensors' };
    await expect(askInFloat32(MODULE, asked)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
