/** How near classes are to an image, for choosing those that are worth a gradient; the larger, the nearer. */
import type { ModelReference } from '../../schemas/precompute-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { readNamedClassifier } from './named-models.ts';
import { outputsOf } from './outputs.ts';
import { classMeans } from './representatives.ts';

/** [count × classes] for images `first` … `first + count − 1`. */
export type Nearness = (first: number, count: number) => ArrayLike<number>;

/** Minus the squared distance to the mean of the class. */
export function nearnessByMean(dataset: Dataset): Nearness {
  const { size, train } = dataset;
  const means = classMeans(dataset);
  const classes = means.length / size;
  const image = new Float32Array(size);
  return (first, count) => {
    const near = new Float64Array(count * classes);
    for (let row = 0; row < near.length; row++) {
      const label = row % classes;
      if (label === 0) train.copyImage(first + row / classes, image, 0);
      for (let j = 0; j < size; j++) near[row]! -= (means[label * size + j]! - image[j]!) ** 2;
    }
    return near;
  };
}

/** The logits of a classifier. */
export async function nearnessByLogits(dataset: Dataset, by: ModelReference): Promise<Nearness> {
  const { logitsOf } = await readNamedClassifier(by, 'precompute.targets.by', dataset);
  return (first, count) => outputsOf(logitsOf, dataset, first, count);
}
