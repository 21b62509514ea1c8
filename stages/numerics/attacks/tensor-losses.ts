/** What attacks climb, and whether they have arrived. */
import { crossEntropy } from '../losses/cross-entropy.ts';
import { tf } from '../tensor/tf.ts';
import type { AttackedBatch, LogitsOf } from './tensor-attack.ts';

/**
 * Logits of x and the gradient of the attack's loss there: cross entropy of the true class, or minus that of the
 * target class. The loss is summed over images, so each image's gradient is its own.
 *
 * @returns logits [batch, classes] and gradient [batch, ...shape]
 */
export function attackGradient(
  logitsOf: LogitsOf,
  x: tf.Tensor,
  batch: Pick<AttackedBatch, 'classes' | 'targeted'>,
): { logits: tf.Tensor2D; gradient: tf.Tensor } {
  return tf.tidy(() => {
    let logits: tf.Tensor2D | undefined;
    const { grad } = tf.valueAndGrad((input) => {
      logits = tf.keep(logitsOf(input));
      const oneHot = tf.oneHot(Array.from(batch.classes), logits.shape[1]) as tf.Tensor2D;
      const loss = tf.sum(crossEntropy(logits, oneHot));
      return batch.targeted ? tf.neg(loss) : loss;
    })(x);
    // `keep` carried the logits out of the inner scope; a copy hands them to the caller's.
    const result = { logits: tf.clone(logits!), gradient: grad };
    logits!.dispose();
    return result;
  });
}

/** Whether the attack has reached its end for each image: misclassified, or classified as the target. */
export function hasSucceeded(
  logits: tf.Tensor2D,
  { classes, targeted }: Pick<AttackedBatch, 'classes' | 'targeted'>,
): boolean[] {
  const predicted = tf.tidy(() => tf.argMax(logits, 1).dataSync());
  return Array.from(predicted, (label, i) => (label === classes[i]) === targeted);
}
