/** Batch norm in training: running statistics by PyTorch's rule, where they are kept and used, and no leak of tensors. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { readClassifier } from '../../../stages/numerics/networks/trained-classifier.ts';
import { initializeParameters, loadParameters } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { runTrain } from '../../../stages/train/run.ts';
import { readDataset } from '../../../store/dataset-artifact.ts';
import { readTable } from '../../../store/tables.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { tf } from '../../support/engine.ts';
import { checkpointOf, IMAGES, makeWorld, RESNET, SHAPE } from './fixture.ts';

const world = makeWorld();
const ONE_BATCH = {
  method: 'vanilla',
  network: RESNET,
  batchSize: IMAGES,
  // So small that the weights, and with them the statistics of the one batch, stay as they are.
  optimizer: { kind: 'sgd', learningRate: 1e-12, momentum: 0 },
  epochs: 5,
};

const tensorsOf = async ({ directory }: { directory: string }) =>
  (await readTensors(join(directory, 'model.safetensors'))).tensors;

/** Mean and unbiased variance of each channel after the first convolution, by loops over pixels in float64. */
async function statisticsByHand(kernels: Float32Array, channels: number) {
  const { train } = await readDataset(world.dataset);
  const [side, images] = [SHAPE[0]!, train.slice(0, IMAGES)];
  const pixel = (image: number, row: number, column: number) =>
    row < 0 || row >= side || column < 0 || column >= side
      ? 0
      : images[(image * side + row) * side + column]!;
  return Array.from({ length: channels }, (_, channel) => {
    const values: number[] = [];
    for (let image = 0; image < IMAGES; image++) {
      for (let place = 0; place < side * side; place++) {
        let sum = 0;
        for (let tap = 0; tap < 9; tap++) {
          const row = Math.floor(place / side) + Math.floor(tap / 3) - 1;
          sum += kernels[channel * 9 + tap]! * pixel(image, row, (place % side) + (tap % 3) - 1);
        }
        values.push(sum);
      }
    }
    const mean = values.reduce((a, b) => a + b) / values.length;
    return { mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1) };
  });
}

describe('running statistics', () => {
  it('follow PyTorch’s rule: momentum 0.1, unbiased variance, from 0 and 1', async () => {
    const tensors = await tensorsOf(await world.train(ONE_BATCH));
    const [channels] = RESNET.widths;
    const expected = await statisticsByHand(tensors['conv1.weight']!.data as Float32Array, channels!);
    const kept = 0.9 ** ONE_BATCH.epochs;
    expected.forEach(({ mean, variance }, channel) => {
      expect(tensors['bn1.running_mean']!.data[channel]).toBeCloseTo((1 - kept) * mean, 5);
      expect(tensors['bn1.running_var']!.data[channel]).toBeCloseTo(kept + (1 - kept) * variance, 5);
    });
    expect(tensors['bn1.num_batches_tracked']!.data[0]).toBe(5);
  });

  it('lie in the model under PyTorch’s names, and in checkpoints', async () => {
    const settings = { ...ONE_BATCH, optimizer: { kind: 'adam' } };
    const tensors = await tensorsOf(await world.train(settings));
    const norms = ['bn1', 'layer1.0.bn1', 'layer1.0.bn2', 'layer3.0.shortcut.1', 'layer4.1.bn2'];
    for (const norm of norms) {
      expect(tensors).toHaveProperty([`${norm}.running_mean`]);
      expect(tensors).toHaveProperty([`${norm}.running_var`]);
    }
    const { vectors } = await checkpointOf(await world.trainUntil(5, settings));
    const { network } = await readClassifier((await world.train(settings)).directory);
    const names = network.buffers.flatMap(({ name, shape }) => Array.from({ length: shape[0]! }, () => name));
    expect(vectors.buffers).toHaveLength(names.length);
    const { data } = tensors['bn1.running_var']!;
    expect(vectors.buffers!.filter((_, i) => names[i] === 'bn1.running_var')).toEqual(data);
  });

  it('are what evaluation uses', async () => {
    const settings = { ...ONE_BATCH, optimizer: { kind: 'adam', learningRate: 0.01 }, epochs: 8 };
    const { directory } = world.contextOf(settings);
    const checkpoints: Record<string, Float32Array>[] = [];
    for (let step = 1; step <= settings.epochs; step++) {
      checkpoints.push((await checkpointOf(await world.trainUntil(step, settings, directory))).vectors);
    }
    await world.train(settings, directory);
    const { network, layout } = await readClassifier(directory);
    const { test } = await readDataset(world.dataset);
    const accuracy = (values: Float32Array, buffers: Float32Array) =>
      tf.tidy(() => {
        const x = tf.tensor(test.slice(0, test.count), [test.count, ...SHAPE]);
        const parameters = loadParameters(layout, Float32Array.of(...values, ...buffers));
        const predicted = tf.argMax(network.logits(parameters, x), 1).dataSync();
        return predicted.filter((label, i) => label === test.labels[i]).length / test.count;
      });
    const told = (await readTable(join(directory, 'metrics.parquet'))).map((row) => row.testAccuracy);
    expect(told).toEqual(checkpoints.map(({ values, buffers }) => accuracy(values!, buffers!)));
    // With the statistics of the start in their place it would be another row of figures.
    const atStart = initializeParameters(network.buffers, randomStream(0));
    expect(told).not.toEqual(checkpoints.map(({ values }) => accuracy(values!, atStart)));
  });
});

describe('micro-batches', () => {
  it.each([
    RESNET,
    { kind: 'cnn', layers: [{ kind: 'conv', channels: 2 }, 'batch-norm', 'relu', 'flatten', 'dense'] },
  ])('are refused for a network whose statistics are those of a batch: %j', async (network) => {
    await expect(world.train({ method: 'vanilla', network, microBatch: 8 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `Expected train.microBatch to be left out for the network ${network.kind}, whose batch norms look at the whole batch, got 8; remove it (train.targetsAtOnce bounds the memory), or lower train.batchSize.`,
    });
  });

  it('are taken where no statistics are kept', async () => {
    const { parameters, buffers } = makeClassifier({ kind: 'mlp', hidden: [4] }, SHAPE, 3);
    expect([parameters.length > 0, buffers.length]).toEqual([true, 0]);
    await world.train({ method: 'vanilla', network: { kind: 'mlp', hidden: [4] }, microBatch: 8, epochs: 1 });
  });
});

describe('memory', () => {
  it.each(['vanilla', 'pag'])(
    'holds as many tensors after each step of %s as after the first',
    async (method) => {
      const context = world.contextOf({ method, network: RESNET, ema: {}, checkpointSteps: 5 });
      const tensors: number[] = [];
      const { progress } = context;
      context.progress = (line) => {
        progress(line);
        tensors.push(tf.memory().numTensors);
      };
      await runTrain(context);
      expect(tensors).toHaveLength(12);
      expect(new Set(tensors)).toEqual(new Set([tensors[0]]));
    },
  );
});
