/** How much room target gradients will take, as far as it is known before anything runs. */
import { inputsOf } from '../schemas/dataset-facts.ts';
import { targetsPerImage } from '../schemas/precompute-config.ts';
import { artifactDirectory } from '../store/artifacts.ts';
import { readDatasetInfo } from '../store/dataset-artifact.ts';
import { storedBytes } from '../store/shards/store-size.ts';
import { showBytes } from '../store/show-bytes.ts';
import type { Node } from './dag.ts';
import type { PlannedNode } from './plan.ts';

interface DataSize {
  shape: readonly number[];
  classes: number;
  /** Null before the data are read, unless the configuration says it. */
  images: number | null;
}

/**
 * A sentence for each artifact of target gradients that is to be made, by the node's id: `about 3.1 GB`, or what an
 * image takes where the number of images is not known yet.
 *
 * @param runs the directory with all results
 */
export async function targetSizes(plan: readonly PlannedNode[], runs: string): Promise<Map<string, string>> {
  const sizes = new Map<string, string>();
  for (const { node, action } of plan) {
    if (node.stage !== 'precompute' || (action !== 'run' && action !== 'resume')) continue;
    const data = (await sizeOfDataset(node, runs)) ?? sizeByConfiguration(node);
    if (data !== null) sizes.set(node.id, inWords(node, data));
  }
  return sizes;
}

function inWords({ config: { precompute } }: Node, { shape, classes, images }: DataSize): string {
  const store = { codec: precompute.codec, shape: [...shape], targets: targetsPerImage(precompute, classes) };
  if (images !== null) return `about ${showBytes(storedBytes(store, images))}`;
  return `about ${showBytes(storedBytes(store, 1))} for each training image`;
}

/** From the dataset artifact, where it is finished. */
async function sizeOfDataset({ inputs }: Node, runs: string): Promise<DataSize | null> {
  const key = inputs.find(({ stage }) => stage === 'dataset')?.key;
  if (key === undefined) return null;
  const info = await readDatasetInfo(artifactDirectory(runs, 'dataset', key)).catch(() => null);
  return info && { shape: info.shape, classes: info.classNames.length, images: info.trainCount };
}

function sizeByConfiguration({ config: { dataset } }: Node): DataSize | null {
  const { shape, classes } = inputsOf(dataset);
  return shape === undefined || classes === undefined
    ? null
    : { shape, classes, images: dataset.trainImages ?? null };
}
