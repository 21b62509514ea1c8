/** The analysis of a linear classifier, whose gradients are known. */
import '../../support/engine.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Analysis } from '../../../schemas/results.ts';
import { oneOfEachClass } from '../../../stages/analyze/pictures.ts';
import { runAnalyze } from '../../../stages/analyze/run.ts';
import { classGradients, cosineOf } from '../../../stages/numerics/analyses/class-gradients.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { runPrecompute } from '../../../stages/precompute/run.ts';
import { writeModel } from '../../../store/model-files.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { configOf, contextOf, datasetArtifact, temporaryFolder } from '../../support/stage-context.ts';

beforeAll(registerGradients);

describe('class gradients', () => {
  it('are the columns of a linear classifier, for every image', () => {
    const weights = [
      [1, 2, 3],
      [-1, 0.5, 4],
    ];
    const logitsOf = (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, tf.tensor2d(weights)) as tf.Tensor2D;
    const before = tf.memory().numTensors;
    const found = classGradients(logitsOf, Float32Array.of(5, 6, 7, 8), [2], 3);
    expect([...found]).toEqual([1, -1, 2, 0.5, 3, 4, 1, -1, 2, 0.5, 3, 4]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('have the cosine of their definition, and 0 with a zero vector', () => {
    expect(cosineOf(Float32Array.of(1, 0), Float32Array.of(3, 3))).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cosineOf(Float32Array.of(0, 0), Float32Array.of(3, 3))).toBe(0);
  });
});

describe('pictures', () => {
  it('show one image of each class in turn, as many as asked for and there are', () => {
    expect(oneOfEachClass(Uint16Array.of(1, 1, 0, 2, 0, 1), 3, 5)).toEqual([2, 0, 3, 4, 1]);
    expect(oneOfEachClass(Uint16Array.of(1, 0), 2, 9)).toEqual([1, 0]);
  });

  it('come with the alignment of the classifier with its targets', async () => {
    const labels = Uint16Array.from({ length: 8 }, (_, i) => i % 2);
    const images = Uint8Array.from({ length: 8 * 4 }, (_, j) => (j * 37) % 256);
    const dataset = await datasetArtifact([2, 2, 1], 2, { images, labels });
    const config = configOf({
      precompute: { method: 'class-mean' },
      train: { network: { kind: 'mlp', hidden: [] } },
      analyze: { images: 2, alignmentImages: 8, pictureEps: 0.5, pictureSteps: 4 },
    });
    const targets = contextOf(config, { dataset });
    await runPrecompute(targets);
    const train = temporaryFolder();
    const layout = makeClassifier({ kind: 'mlp', hidden: [] }, [2, 2, 1], 2).parameters;
    const flat = Float32Array.of(1, 0, 1, 0, 0, 1, 0, 1, 0, 0);
    await writeModel(
      train,
      layout,
      { flat },
      {
        version: 1,
        network: config.train.network,
        normalization: { mean: 0, std: 1 },
        shape: [2, 2, 1],
        classNames: ['0', '1'],
        parameters: flat.length,
        provenance: {},
      },
    );
    const context = contextOf(config, { dataset, precompute: targets.directory, train });
    await runAnalyze(context);
    const analysis = JSON.parse(readFileSync(join(context.directory, 'analysis.json'), 'utf8')) as Analysis;
    const { tensors } = await readTensors(join(context.directory, 'arrays.safetensors'));
    expect(tensors.gradients!.shape).toEqual([2, 2, 2, 2, 1]);
    expect([...tensors.gradients!.data]).toEqual([1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1]);
    // Mean over 8 images and 2 targets of cos(column of the weights, class mean minus image), by definition.
    const pixel = (i: number, j: number) => images[i * 4 + j]! / 255;
    let sum = 0;
    for (let i = 0; i < 8; i++) {
      for (let y = 0; y < 2; y++) {
        const target = Float32Array.from({ length: 4 }, (_, j) => {
          const members = [0, 1, 2, 3].map((k) => pixel(2 * k + y, j));
          return members.reduce((a, b) => a + b) / 4 - pixel(i, j);
        });
        sum += cosineOf(target, Float32Array.from(y === 0 ? [1, 1, 0, 0] : [0, 0, 1, 1]));
      }
    }
    expect(analysis.alignment!.meanCosine).toBeCloseTo(sum / 16, 5);
    const attacked = tensors.attacked!.data as Float32Array;
    const distance = (k: number) =>
      Math.hypot(
        ...[0, 1, 2, 3].map(
          (j) => attacked[k * 4 + j]! - (tensors.images!.data as Float32Array)[(k >> 1) * 4 + j]!,
        ),
      );
    for (let k = 0; k < 4; k++) expect(distance(k)).toBeLessThanOrEqual(0.5001);
  });
});
