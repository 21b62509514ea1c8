/** Figures that are summed over the images of a step. */
import { tf } from '../numerics/tensor/tf.ts';

const SUMMED = ['crossEntropy', 'correct', 'penalty', 'cosine'] as const;

/** Sums that are gathered inside a differentiated function, from which `keep` carries them out. */
export class StepSums {
  private readonly found: { name: (typeof SUMMED)[number]; value: tf.Tensor }[] = [];

  add(name: (typeof SUMMED)[number], value: tf.Tensor): void {
    this.found.push({ name, value: tf.keep(value) });
  }

  /** [4], in the order of {@link SUMMED}. */
  take(): tf.Tensor1D {
    const totals = SUMMED.map((name) => {
      const values = this.found.filter((entry) => entry.name === name).map(({ value }) => value);
      return values.length === 0 ? tf.scalar(0) : tf.addN(values);
    });
    const stacked = tf.stack(totals) as tf.Tensor1D;
    tf.dispose(this.found.map(({ value }) => value));
    return stacked;
  }
}
