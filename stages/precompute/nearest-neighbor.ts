/**
 * Targets r − x, with r the nearest training image of the class in pixels, never x itself. Distances are screened
 * by one matrix product and the few best are measured again in double precision, so the search is exact.
 */
import type { Dataset, Split } from '../../store/dataset-artifact.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TargetMaker } from './target-maker.ts';

/** Candidates per class that are measured again. */
const CANDIDATES = 4;
/** Images searched at a time, so that the table of distances stays small. */
const QUERIES = 128;

/** The training images of one class. */
interface ClassMembers {
  indices: Uint32Array;
  images: tf.Tensor2D;
  squares: tf.Tensor1D;
}

function membersOf({ train, size }: Dataset, label: number): ClassMembers {
  const indices = Uint32Array.from([...train.labels.keys()].filter((i) => train.labels[i] === label));
  const images = tf.tensor2d(train.gather(indices), [indices.length, size]);
  return { indices, images, squares: tf.tidy(() => tf.sum(tf.square(images), 1)) };
}

/** Indices of the nearest members for each query, [queries × kept], kept = min(CANDIDATES + 1, members). */
function screen(queries: tf.Tensor2D, { images, squares, indices }: ClassMembers): Uint32Array {
  const best = tf.tidy(() => {
    // |q − m|² without |q|², which is the same for all members; the largest of its negative are the nearest.
    const closeness = tf.sub(tf.mul(2, tf.matMul(queries, images, false, true)), squares) as tf.Tensor2D;
    return tf.topk(closeness, Math.min(CANDIDATES + 1, indices.length)).indices.dataSync();
  });
  return Uint32Array.from(best, (place) => indices[place]!);
}

function squaredDistance(image: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let j = 0; j < image.length; j++) sum += (image[j]! - other[j]!) ** 2;
  return sum;
}

/** Writes nearest − image to `out` at `offset`; of equally near ones the first in the data set. */
function writeNearest(
  train: Split,
  query: number,
  image: Float32Array,
  candidates: Uint32Array,
  out: Float32Array,
  offset: number,
): void {
  const other = new Float32Array(image.length);
  let nearest = -1;
  let smallest = Number.POSITIVE_INFINITY;
  for (const candidate of [...candidates].sort((a, b) => a - b)) {
    if (candidate === query) continue;
    train.copyImage(candidate, other, 0);
    const distance = squaredDistance(image, other);
    if (distance < smallest) {
      smallest = distance;
      nearest = candidate;
    }
  }
  // A class of which the image is the only member offers no direction: the gradient stays zero.
  if (nearest < 0) return;
  train.copyImage(nearest, other, 0);
  for (let j = 0; j < image.length; j++) out[offset + j] = other[j]! - image[j]!;
}

export function nearestNeighbor(dataset: Dataset): TargetMaker {
  const { size, train } = dataset;
  const classes = dataset.info.classNames.map((_, label) => membersOf(dataset, label));
  return {
    description: 'nearest training image of the class, in pixels, minus the image',
    async compute(first, count, onImage) {
      const out = new Float32Array(count * classes.length * size);
      for (let start = 0; start < count; start += QUERIES) {
        const n = Math.min(QUERIES, count - start);
        const images = train.slice(first + start, n);
        const queries = tf.tensor2d(images, [n, size]);
        classes.forEach((members, label) => {
          const found = screen(queries, members);
          const kept = found.length / n;
          for (let i = 0; i < n; i++) {
            const candidates = found.subarray(i * kept, (i + 1) * kept);
            const image = images.subarray(i * size, (i + 1) * size);
            const offset = ((start + i) * classes.length + label) * size;
            writeNearest(train, first + start + i, image, candidates, out, offset);
          }
        });
        queries.dispose();
        await onImage(start + n);
      }
      return out;
    },
  };
}
