/** Fine-tuning: training starts exactly from the model, and a model that does not fit is refused. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadClassifier, readClassifier } from '../../../stages/numerics/networks/trained-classifier.ts';
import { readDataset } from '../../../store/dataset-artifact.ts';
import { writeModel } from '../../../store/model-files.ts';
import { modelFingerprint } from '../../../store/model-fingerprint.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { tf } from '../../support/engine.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { checkpointOf, makeWorld, RESNET, SHAPE } from './fixture.ts';

const world = makeWorld();
const MODEL = { network: RESNET, shape: SHAPE, classes: 3, normalization: { mean: 0.3, std: 0.5 } };
const STILL = { method: 'vanilla', optimizer: { kind: 'sgd', learningRate: 1e-12, momentum: 0 }, epochs: 1 };

async function logitsOf(directory: string): Promise<Float32Array> {
  const { test } = await readDataset(world.dataset);
  const classifier = await loadClassifier(directory);
  return tf.tidy(() => {
    const x = tf.tensor(test.slice(0, test.count), [test.count, ...SHAPE]);
    return classifier(x).dataSync() as Float32Array;
  });
}

describe('training from a model', () => {
  it('at a rate of next to nothing keeps the logits, in the normalisation of the model', async () => {
    const network = { kind: 'mlp', hidden: [5] };
    const from = await modelFolder({ ...MODEL, network });
    const { directory } = await world.train({ ...STILL, from });
    expect(await logitsOf(directory)).toEqual(await logitsOf(from));
    const { model } = await readClassifier(directory);
    expect(model).toMatchObject({ network, normalization: MODEL.normalization, shape: SHAPE });
  });

  it('goes on from its running statistics and the count of their batches', async () => {
    const from = await modelFolder(MODEL);
    const before = await readClassifier(from);
    const count = before.network.buffers.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const moved = before.weights.flat.slice();
    moved.fill(5, -count);
    await writeModel(from, before.layout, { ...before.weights, flat: moved }, before.model);
    const settings = { ...STILL, from, batchSize: 50 };
    const { vectors } = await checkpointOf(await world.trainUntil(1, settings));
    // One step of momentum 0.1 from 5.
    vectors.buffers!.forEach((value) => {
      expect(Math.abs(value - 4.5)).toBeLessThan(0.5);
    });
    const { directory } = await world.train(settings);
    const { tensors } = await readTensors(join(directory, 'model.safetensors'));
    expect(tensors['bn1.num_batches_tracked']!.data[0]).toBe(8);
  });

  it('resumes to the same bytes', async () => {
    const settings = { method: 'vanilla', from: await modelFolder(MODEL), epochs: 2 };
    const whole = await world.train(settings);
    const stopped = await world.trainUntil(3, settings);
    const { directory } = await world.train(settings, stopped.directory);
    const [one, other] = await Promise.all([readClassifier(directory), readClassifier(whole.directory)]);
    expect(one.weights.flat).toEqual(other.weights.flat);
  });
});

describe('a model that training cannot start from', () => {
  it('is one for other classes or other inputs', async () => {
    const four = await modelFolder({ ...MODEL, classes: 4 });
    await expect(world.train({ ...STILL, from: four })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `Expected train.from to be a model for 3 classes, as the data set made has, found a model of 4 in ${four}; choose a model that was trained on such data, or leave train.from out.`,
    });
    const wide = await modelFolder({ ...MODEL, shape: [6, 7, 1] });
    await expect(world.train({ ...STILL, from: wide })).rejects.toThrow(
      `Expected train.from to be a model for inputs of shape [6,6,1], as the data set made has, found a model for [6,7,1] in ${wide}; choose a model that was trained on such data, or leave train.from out.`,
    );
  });

  it('is one that has changed since the run was planned', async () => {
    const from = await modelFolder(MODEL);
    const fromFingerprint = await modelFingerprint(from);
    await world.train({ ...STILL, from, fromFingerprint });
    writeFileSync(join(from, 'model.json'), '{}');
    const found = await modelFingerprint(from);
    await expect(world.train({ ...STILL, from, fromFingerprint })).rejects.toMatchObject({
      code: 'DATA_DAMAGED',
      message: `Expected the model in ${from} to be as it was when this run was planned (checksum ${fromFingerprint}), found ${found}; run the same command again, which plans with the model as it is now.`,
    });
  });
});
