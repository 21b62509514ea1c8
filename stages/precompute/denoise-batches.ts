/**
 * Evaluations of a denoiser, gathered until the network sees a full batch, across images and classes. The rows of a batch
 * are a multiple of {@link ROWS}: matrix products of TensorFlow and oneDNN treat the rows that are left over by another
 * kernel, whose sums round differently; without such rows, what a row gives does not depend on the rows beside it.
 */
import { denoise, type ScoreModel } from '../numerics/diffusion/denoise.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { valuesOf } from '../numerics/tensor/values.ts';

/** See above. */
export const ROWS = 16;

/** What to denoise, and who takes the result. */
export interface DenoiseAsk {
  /** Scaled data plus noise, [size]; copied. */
  x: Float32Array;
  sigma: number;
  /** Class, or null for the unconditional denoiser. */
  label: number | null;
  /** Takes D(x; σ, label), [size], a view that is valid during the call. Asks are answered in their order. */
  deliver(denoised: Float32Array): void;
}

export class DenoiseBatches {
  readonly #model: ScoreModel;
  readonly #shape: readonly number[];
  readonly #size: number;
  /** Reused for every batch. */
  readonly #x: Float32Array;
  readonly #sigmas: Float32Array;
  readonly #oneHot: Float32Array;
  readonly #deliver: DenoiseAsk['deliver'][] = [];

  /**
   * @param shape of one input
   * @param batchSize rows at a time, rounded up to a multiple of {@link ROWS}
   */
  constructor(model: ScoreModel, shape: readonly number[], batchSize: number) {
    this.#model = model;
    this.#shape = shape;
    this.#size = shape.reduce((product, side) => product * side, 1);
    const rows = roundUp(batchSize);
    this.#x = new Float32Array(rows * this.#size);
    // Rows that fill up the last batch need a noise level as well.
    this.#sigmas = new Float32Array(rows).fill(1);
    this.#oneHot = new Float32Array(rows * model.classes);
  }

  /** Says whether that filled a batch, which has been answered then. */
  add({ x, sigma, label, deliver }: DenoiseAsk): boolean {
    const row = this.#deliver.push(deliver) - 1;
    const { classes } = this.#model;
    this.#x.set(x, row * this.#size);
    this.#sigmas[row] = sigma;
    this.#oneHot.fill(0, row * classes, (row + 1) * classes);
    if (label !== null) this.#oneHot[row * classes + label] = 1;
    if (row + 1 < this.#sigmas.length) return false;
    this.flush();
    return true;
  }

  /** Answers what has been asked so far. */
  flush(): void {
    const asked = this.#deliver.splice(0);
    if (asked.length === 0) return;
    const denoised = this.#run(roundUp(asked.length));
    asked.forEach((deliver, row) => {
      deliver(denoised.subarray(row * this.#size, (row + 1) * this.#size));
    });
  }

  #run(rows: number): Float32Array {
    return valuesOf(() => {
      const x = tf.tensor(this.#x.subarray(0, rows * this.#size), [rows, ...this.#shape]);
      const { classes } = this.#model;
      const oneHot = tf.tensor2d(this.#oneHot.subarray(0, rows * classes), [rows, classes]);
      return denoise(this.#model, x, this.#sigmas.subarray(0, rows), oneHot);
    });
  }
}

function roundUp(rows: number): number {
  return Math.ceil(rows / ROWS) * ROWS;
}
