/** Predictions of a classifier over many images, in batches. */
import type { Split } from '../../../store/dataset-artifact.ts';
import type { LogitsOf } from '../attacks/oracle.ts';
import { tf } from '../tensor/tf.ts';

/**
 * Predicted class of the first `count` images of a split.
 *
 * @param shape shape of one image
 */
export function predict(
  logitsOf: LogitsOf,
  split: Split,
  shape: readonly number[],
  count: number,
  batchSize: number,
): Uint16Array {
  const predicted = new Uint16Array(count);
  for (let first = 0; first < count; first += batchSize) {
    const n = Math.min(batchSize, count - first);
    const labels = tf.tidy(() => {
      const x = tf.tensor(split.slice(first, n), [n, ...shape]);
      return tf.argMax(logitsOf(x), 1).dataSync();
    });
    predicted.set(labels, first);
  }
  return predicted;
}

/** Share of predictions that equal the labels. */
export function accuracy(predicted: Uint16Array, labels: Uint16Array): number {
  return predicted.reduce((hits, label, i) => hits + (label === labels[i] ? 1 : 0), 0) / predicted.length;
}
