/** Which classes an image has targets of, and their way through a store into a batch of training. */
import '../../support/engine.ts';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { precomputeSchema } from '../../../schemas/precompute-config.ts';
import { loadClassifier } from '../../../stages/numerics/networks/trained-classifier.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { runPrecompute } from '../../../stages/precompute/run.ts';
import { precomputeStage } from '../../../stages/precompute/stage.ts';
import { chooseTargets } from '../../../stages/precompute/target-classes.ts';
import { makeBatches } from '../../../stages/train/batches.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { shardName } from '../../../store/shards/store-layout.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { configOf, contextOf, datasetArtifact, temporaryFolder } from '../../support/stage-context.ts';

const CLASSES = 5;
const COUNT = 40;
const SIZE = 6;
let directory: string;
let dataset: Dataset;

beforeAll(async () => {
  const images = Uint8Array.from({ length: COUNT * SIZE }, (_, i) => (i * i * 31) % 256);
  const labels = Uint16Array.from({ length: COUNT }, (_, i) => (i * 3) % CLASSES);
  directory = await datasetArtifact([2, 3, 1], CLASSES, { images, labels });
  dataset = await readDataset(directory);
});

const choose = (targets: object | string, seed = 0) =>
  chooseTargets(precomputeSchema.parse({ targets, seed }), dataset);
const rowsOf = (flat: Uint16Array, perImage: number) =>
  Array.from({ length: flat.length / perImage }, (_, i) => [
    ...flat.subarray(i * perImage, (i + 1) * perImage),
  ]);

describe('target classes', () => {
  it('are all in order, or all but the true one', async () => {
    const all = await choose('all');
    expect([all.perImage, all.targetClasses]).toEqual([CLASSES, 'all']);
    expect(rowsOf(all.of(3, 2), CLASSES)).toEqual([
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ]);
    const others = await choose({ kind: 'all-but-true' });
    expect([others.perImage, others.targetClasses]).toEqual([CLASSES - 1, 'listed']);
    expect(rowsOf(others.of(1, 2), CLASSES - 1)).toEqual([
      [0, 1, 2, 4],
      [0, 2, 3, 4],
    ]);
  });

  it('are drawn at random by (seed, image), each class equally often', async () => {
    const two = await choose({ kind: 'random', count: 2 });
    const rows = rowsOf(two.of(0, COUNT), 2);
    expect(rows.every(([a, b]) => a! < b!)).toBe(true);
    expect(rowsOf(two.of(17, 3), 2)).toEqual(rows.slice(17, 20));
    expect((await choose({ kind: 'random', count: 2 }, 1)).of(0, COUNT)).not.toEqual(two.of(0, COUNT));
    const hits = new Float64Array(CLASSES);
    for (const label of two.of(0, 5000)) hits[label]! += 1;
    // 2000 expected each; five standard deviations of a binomial with p = 2/5.
    for (const count of hits) expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(5000 * 0.24));
  });

  it('are the nearest by the distance to the class means, the nearest first, never the true one', async () => {
    const { train } = dataset;
    const all = Array.from({ length: COUNT }, (_, i) => [...train.slice(i, 1)]);
    const means = Array.from({ length: CLASSES }, (_, label) => {
      const ofClass = all.filter((_, i) => train.labels[i] === label);
      return all[0]!.map((_, j) => ofClass.reduce((sum, image) => sum + image[j]!, 0) / ofClass.length);
    });
    const found = rowsOf((await choose({ kind: 'top', count: 3 })).of(0, COUNT), 3);
    found.forEach((labels, i) => {
      const distance = (label: number) => Math.hypot(...all[i]!.map((value, j) => value - means[label]![j]!));
      const others = [0, 1, 2, 3, 4].filter((label) => label !== train.labels[i]);
      expect(labels).toEqual(others.sort((a, b) => distance(a) - distance(b)).slice(0, 3));
    });
  });

  it('are the nearest by the logits of a classifier', async () => {
    const model = await modelFolder({
      network: { kind: 'mlp', hidden: [7] },
      shape: [2, 3, 1],
      classes: CLASSES,
    });
    const logitsOf = await loadClassifier(model);
    const logits = tf.tidy(() =>
      logitsOf(tf.tensor(dataset.train.slice(0, COUNT), [COUNT, 2, 3, 1])).arraySync(),
    );
    const found = rowsOf((await choose({ kind: 'top', count: 2, by: { model } })).of(0, COUNT), 2);
    found.forEach((labels, i) => {
      const others = [0, 1, 2, 3, 4].filter((label) => label !== dataset.train.labels[i]);
      expect(labels).toEqual(others.sort((a, b) => logits[i]![b]! - logits[i]![a]!).slice(0, 2));
    });
  });

  it('cannot be more than there are', async () => {
    await expect(choose({ kind: 'random', count: 6 })).rejects.toThrow(
      'Expected precompute.targets.count to be at most 5, the number of classes, got 6; lower it.',
    );
    await expect(choose({ kind: 'top', count: 5 })).rejects.toThrow(
      'Expected precompute.targets.count to be at most 4, the number of classes without the own one of an image, got 5; lower it.',
    );
  });
});

describe('a store of some target classes', () => {
  const store = async (precompute: object, folder = temporaryFolder()) => {
    const config = configOf({ precompute: { method: 'class-mean', codec: 'float32', ...precompute } });
    const context = contextOf(config, { dataset: directory }, folder);
    await runPrecompute(context);
    return context;
  };

  it('has the same gradients as one of all classes, and training draws from them', async () => {
    const [all, some] = [
      await store({}),
      await store({ targets: { kind: 'random', count: 3 }, shardImages: 7 }),
    ];
    const full = await openGradientReader(all.directory);
    const reader = await openGradientReader(some.directory);
    expect(reader.info).toMatchObject({ targets: 3, classes: CLASSES, targetClasses: 'listed' });
    const train = configOf({ train: { targetsPerImage: 2, batchSize: 16, augment: {} } }).train;
    const trained = Uint32Array.from({ length: COUNT }, (_, i) => i);
    const batch = await makeBatches(dataset, trained, train, reader)(1);
    const chosen = await choose({ kind: 'random', count: 3 });
    expect(batch.targets).toHaveLength(2);
    for (const [i, image] of batch.images.entries()) {
      const classes = batch.targets.map((target) => target.classes[i]!);
      expect(new Set(classes).size).toBe(2);
      for (const label of classes) expect(chosen.of(image, 1)).toContain(label);
      const out = new Float32Array(2 * SIZE);
      await full.read(
        classes.map((target) => ({ image, target })),
        out,
      );
      const drawn = batch.targets.flatMap(({ gradient }) => [...gradient.subarray(i * SIZE, (i + 1) * SIZE)]);
      expect(drawn).toEqual([...out]);
    }
    await Promise.all([full.close(), reader.close()]);
  });

  it('has the same bytes at once and where a shard had to be computed again', async () => {
    const { directory: folder, lines } = await store({ targets: 'all-but-true', shardImages: 16 });
    const shards = () => [0, 1, 2].map((shard) => readFileSync(join(folder, shardName(shard))));
    const before = shards();
    expect(lines.at(-1)).toEqual({ done: COUNT, underway: COUNT % 16, total: COUNT, unit: 'images' });
    rmSync(join(folder, shardName(1)));
    const again = await store({ targets: 'all-but-true', shardImages: 16 }, folder);
    expect(again.notes).toEqual(['resuming with 2 of 3 shards finished']);
    expect(again.lines.map(({ done }) => done)).toEqual([COUNT]);
    expect(shards()).toEqual(before);
  });
});

describe('the key of target gradients', () => {
  const part = (precompute: object) => precomputeStage.configPart(configOf({ precompute }));

  it('holds what decides them, and no setting that was added later and is not used', () => {
    expect(part({})).toEqual({
      method: 'sbg',
      codec: 'float16',
      shardImages: 1024,
      sigma: 1,
      draws: 1,
      batchSize: 64,
      seed: 0,
    });
    expect(part({ sigma: [1] })).toEqual(part({}));
    expect(part({ combine: 'unit', neighbors: 3 })).toEqual(part({}));
    expect(part({ targets: { kind: 'all' } })).toEqual(part({}));
    expect(part({ targets: { kind: 'all-but-true' } })).toEqual(part({ targets: 'all-but-true' }));
    expect(part({ method: 'class-mean', sigma: 3 })).toEqual({
      method: 'class-mean',
      codec: 'float16',
      shardImages: 1024,
    });
  });

  it('follows every setting that is in use', () => {
    const model = { model: 'here', fingerprint: 'a' };
    const used: object[] = [
      { sigma: [1, 2] },
      { sigma: [1, 2], combine: 'unit' },
      { guidance: 2 },
      { precision: 'bfloat16' },
      { conditional: model },
      { unconditional: model },
      { unconditional: { ...model, fingerprint: 'b' } },
      { targets: 'all-but-true' },
      { targets: { kind: 'random', count: 2 } },
      { targets: { kind: 'random', count: 2 }, seed: 4 },
      { targets: { kind: 'top', count: 2 } },
      { targets: { kind: 'top', count: 2, by: model } },
      { method: 'nearest-neighbor' },
      { method: 'nearest-neighbor', neighbors: 2 },
      { method: 'nearest-neighbor', features: model },
      { method: 'nearest-neighbor', features: { ...model, layer: 'logits' } },
    ];
    const parts = [{}, ...used].map((settings) => JSON.stringify(part(settings)));
    expect(new Set(parts).size).toBe(parts.length);
    expect(part({ conditional: { ...model, model: 'there' } })).toEqual(part({ conditional: model }));
  });

  it('covers the score stage only where it is read, and asks for reduced precision only for networks', () => {
    const inputs = (precompute: object) => precomputeStage.inputs(configOf({ precompute }));
    expect(inputs({})).toEqual(['dataset', 'score']);
    expect(inputs({ conditional: { model: 'here' } })).toEqual(['dataset']);
    const precision = (precompute: object) => precomputeStage.precision!(configOf({ precompute }));
    expect(precision({ precision: 'bfloat16' })).toBe('bfloat16');
    expect(precision({ precision: 'bfloat16', method: 'nearest-neighbor' })).toBe('float32');
  });
});
