/** What `pipeline plan` says about the room that target gradients take. */
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../pipeline/config/load.ts';
import { buildGraph } from '../../pipeline/dag.ts';
import { stages } from '../../pipeline/graph.ts';
import { makePlan } from '../../pipeline/plan.ts';
import { targetSizes } from '../../pipeline/target-size.ts';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { artifactDirectory } from '../../store/artifacts.ts';
import { makeDirectory } from '../../store/atomic-file.ts';
import { keyOf } from '../../store/content-hash.ts';
import { writeDataset } from '../../store/dataset-artifact.ts';
import { temporaryFolder } from '../support/stage-context.ts';

function planOf(text: string) {
  const experiment = loadExperiment({ name: 'x', text: `name: x\n${text}` });
  return makePlan(buildGraph(stages, experiment, keyOf), new Map(), []);
}

const sizesOf = async (text: string, runs = temporaryFolder()) => [
  ...(await targetSizes(planOf(text), runs)).values(),
];

describe('the room of target gradients', () => {
  it('is told for the images that the configuration asks for, or for each image', async () => {
    const cifar = (dataset: string, precompute: string) =>
      sizesOf(`dataset: { name: cifar10${dataset} }\nprecompute: { method: class-mean, ${precompute} }`);
    expect(await cifar(', trainImages: 50000', 'codec: float32')).toEqual(['about 6.1 GB']);
    expect(await cifar(', trainImages: 50000', 'codec: float16')).toEqual(['about 3.1 GB']);
    expect(await cifar('', 'codec: float16')).toEqual(['about 62 kB for each training image']);
    const one = 'targets: { kind: random, count: 1 }';
    expect(await cifar('', `codec: float32, ${one}`)).toEqual(['about 12 kB for each training image']);
  });

  it('is told for the data set that is there, and not at all where nothing is known of it', async () => {
    const text = 'dataset: { name: numpy, folder: mine }\nprecompute: { method: class-mean, codec: float32 }';
    expect(await sizesOf(text)).toEqual([]);
    const runs = temporaryFolder();
    const { node } = planOf(text).find((entry) => entry.node.stage === 'dataset')!;
    const directory = artifactDirectory(runs, 'dataset', node.key);
    await makeDirectory(directory);
    const labels = Uint16Array.of(0, 1, 2, 0);
    const split = { images: new Uint8Array(4 * 1000), labels };
    const info = {
      name: 'mine',
      shape: [10, 100, 1],
      storage: 'uint8' as const,
      box: [0, 1] as [number, number],
    };
    const counts = { trainCount: 4, testCount: 4, sources: [], provenance: 'made for a test' };
    await writeDataset(
      directory,
      { ...info, ...counts, classNames: ['a', 'b', 'c'] },
      { train: split, test: split },
    );
    // 4 images of 3 targets of 1000 values of 4 bytes, with 8 bytes of indices for each.
    expect(await sizesOf(text, runs)).toEqual(['about 48 kB']);
  });

  it('is not told where no targets are made', async () => {
    const config: Partial<ExperimentConfig['train']> = { method: 'vanilla' };
    expect(await sizesOf(`dataset: { name: usps }\ntrain: ${JSON.stringify(config)}`)).toEqual([]);
  });
});
