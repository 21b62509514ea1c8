/** Targets r − x, with one r for all images of the training set: the class mean, or one chosen image. */
import type { Dataset } from '../../store/dataset-artifact.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import type { TargetMaker } from './target-maker.ts';

/** Gradients towards fixed representatives. representatives: [classes × size]. */
function towards(dataset: Dataset, representatives: Float64Array, description: string): TargetMaker {
  const { size, train } = dataset;
  return {
    description,
    async compute({ first, count, classes, onImage }) {
      const out = new Float32Array(classes.length * size);
      const targets = classes.length / count;
      const image = new Float32Array(size);
      classes.forEach((label, row) => {
        if (row % targets === 0) train.copyImage(first + row / targets, image, 0);
        for (let j = 0; j < size; j++) out[row * size + j] = representatives[label * size + j]! - image[j]!;
      });
      await onImage(count);
      return out;
    },
  };
}

/** r is the mean of the class. */
export function classMean(dataset: Dataset): TargetMaker {
  return towards(dataset, classMeans(dataset), 'mean of the class minus the image');
}

/** [classes × size] */
export function classMeans(dataset: Dataset): Float64Array {
  const { size, train } = dataset;
  const classes = dataset.info.classNames.length;
  const sums = new Float64Array(classes * size);
  const counts = new Float64Array(classes);
  const image = new Float32Array(size);
  for (let i = 0; i < train.count; i++) {
    train.copyImage(i, image, 0);
    const label = train.labels[i]!;
    counts[label]! += 1;
    for (let j = 0; j < size; j++) sums[label * size + j]! += image[j]!;
  }
  return sums.map((sum, j) => sum / counts[Math.floor(j / size)]!);
}

/** r is one training image of the class, drawn by (seed, class). */
export function oneImage(dataset: Dataset, seed: number): TargetMaker {
  const { size, train } = dataset;
  const image = new Float32Array(size);
  const chosen = dataset.info.classNames.map((_, label) => {
    const members = [...train.labels.keys()].filter((i) => train.labels[i] === label);
    return members[randomStream(seed, 'one-image', label).integer(members.length)]!;
  });
  const representatives = new Float64Array(chosen.length * size);
  chosen.forEach((index, label) => {
    train.copyImage(index, image, 0);
    representatives.set(image, label * size);
  });
  return towards(dataset, representatives, `one image of the class (${chosen.join(', ')}) minus the image`);
}
