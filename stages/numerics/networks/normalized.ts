/** Input normalisation as the first part of a classifier, so that gradients, ε and box are in pixels. */
import type { Normalization } from '../../../schemas/network-config.ts';
import { tf } from '../tensor/tf.ts';
import type { Classifier } from './network.ts';

/** The classifier of (x − mean) / std, over the last axis of x. */
export function normalized(
  network: Classifier,
  { mean, std }: Normalization = { mean: 0, std: 1 },
): Classifier {
  const means = [mean].flat();
  const deviations = [std].flat();
  if (means.every((value) => value === 0) && deviations.every((value) => value === 1)) return network;
  const channels = Math.max(means.length, deviations.length);
  const of = (values: number[], i: number) => values[values.length === 1 ? 0 : i]!;
  const slope = Array.from({ length: channels }, (_, i) => 1 / of(deviations, i));
  const offset = Array.from({ length: channels }, (_, i) => -of(means, i) / of(deviations, i));
  return {
    ...network,
    logits(values, x, training) {
      const scaled = tf.mul(x, tf.tensor1d(slope));
      const shifted = offset.every((value) => value === 0) ? scaled : tf.add(scaled, tf.tensor1d(offset));
      return network.logits(values, shifted, training);
    },
  };
}
