/** Targets r − x, with r the nearest training image of the class, or the mean of the nearest; never x itself. */
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { Features } from './features.ts';
import { findNearest } from './nearest-search.ts';
import type { TargetMaker, WantedTargets } from './target-maker.ts';

/**
 * @param features the space in which images are near each other; the gradient is in pixels always
 * @param neighbors images that are averaged; all of a class that has fewer
 */
export function nearestNeighbor(dataset: Dataset, features: Features, neighbors: number): TargetMaker {
  const { train, info } = dataset;
  const members = info.classNames.map((_, label) =>
    Uint32Array.from(train.labels.keys()).filter((image) => train.labels[image] === label),
  );
  const what =
    neighbors === 1 ? 'nearest training image' : `mean of the ${neighbors} nearest training images`;
  return {
    description: `${what} of the class, in ${features.name}, minus the image`,
    async compute(wanted) {
      const out = new Float32Array(wanted.classes.length * dataset.size);
      for (const [label, ofClass] of members.entries()) {
        const rows = rowsOf(wanted, label);
        const queries = rows.map((row) => imageOf(wanted, row));
        const nearest = findNearest(features, queries, ofClass, neighbors);
        rows.forEach((row, i) => {
          const found = nearest.members
            .subarray(i * neighbors, (i + 1) * neighbors)
            .filter((one) => one >= 0);
          writeDifference(dataset, imageOf(wanted, row), found, out.subarray(row * dataset.size));
        });
        await wanted.onImage(Math.floor((wanted.count * (label + 1)) / members.length));
      }
      return out;
    },
  };
}

/** Rows of `wanted.classes` that ask for a class. */
function rowsOf({ classes }: WantedTargets, label: number): Uint32Array {
  return Uint32Array.from(classes.keys()).filter((row) => classes[row] === label);
}

function imageOf({ first, count, classes }: WantedTargets, row: number): number {
  return first + Math.floor((row * count) / classes.length);
}

/**
 * Writes the mean of the images minus the one. A class of which the image is the only member offers no direction: the
 * gradient stays zero.
 */
function writeDifference(
  { train, size }: Dataset,
  image: number,
  found: Int32Array,
  out: Float32Array,
): void {
  if (found.length === 0) return;
  const sum = new Float64Array(size);
  const other = new Float32Array(size);
  for (const one of found) {
    train.copyImage(one, other, 0);
    for (let j = 0; j < size; j++) sum[j]! += other[j]!;
  }
  train.copyImage(image, other, 0);
  for (let j = 0; j < size; j++) out[j] = sum[j]! / found.length - other[j]!;
}
