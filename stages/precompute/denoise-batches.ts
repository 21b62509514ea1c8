/**
 * Evaluations of a denoiser, gathered until the network sees a full batch, across images and classes. The rows of a batch
 * are a multiple of {@link ROWS}: matrix products of TensorFlow and oneDNN treat the rows that are left over by another
 * kernel, whose sums round differently; without such rows, what a row gives does not depend on the rows beside it.
 */
import { sizeOf } from '../../schemas/shape.ts';
import { denoise, type ScoreModel } from '../numerics/diffusion/denoise.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { valuesOf } from '../numerics/tensor/values.ts';

/** See above. */
export const ROWS = 16;

/** Images of a batch are a multiple of this, for the same reason; they have many positions, which count as rows. */
const IMAGES = 8;

/** Takes D(x; σ, label), [size], a view that is valid during the call. Asks are answered in their order. */
export type Deliver = (denoised: Float32Array) => void;

export class DenoiseBatches {
  readonly #model: ScoreModel;
  readonly #shape: readonly number[];
  readonly #size: number;
  /** Reused for every batch. */
  readonly #x: Float32Array;
  readonly #sigmas: Float32Array;
  readonly #oneHot: Float32Array;
  /** The image of each row. */
  readonly #places: Int32Array;
  readonly #deliver: Deliver[] = [];
  #seen: { x: Float32Array; sigma: number } | undefined;
  /** Images in the batch, the last of them {@link #seen}, if that has been asked about since the last batch. */
  #images = 0;
  #isIn = false;

  /**
   * @param shape of one input
   * @param batchSize rows at a time, rounded up to a multiple of {@link ROWS}
   * @param asks about each image
   */
  constructor(model: ScoreModel, shape: readonly number[], batchSize: number, asks: number) {
    this.#model = model;
    this.#shape = shape;
    this.#size = sizeOf(shape);
    const rows = roundUp(batchSize, ROWS);
    // At worst the first image and the last one have one row each.
    const images = Math.min(rows, roundUp(Math.floor((rows - 2) / asks) + 2, IMAGES));
    this.#x = new Float32Array(images * this.#size);
    // Places that stay empty need a noise level as well.
    this.#sigmas = new Float32Array(images).fill(1);
    this.#places = new Int32Array(rows);
    this.#oneHot = new Float32Array(rows * model.classes);
  }

  /**
   * Shows an image, which the next asks are about.
   *
   * @param x scaled data plus noise, [size]; must not change until the next one is shown
   */
  show(x: Float32Array, sigma: number): void {
    this.#seen = { x, sigma };
    this.#isIn = false;
  }

  /**
   * Says whether that filled a batch, which has been answered then.
   *
   * @param label class, or null for the unconditional denoiser
   */
  ask(label: number | null, deliver: Deliver): boolean {
    const row = this.#deliver.push(deliver) - 1;
    const { classes } = this.#model;
    if (!this.#isIn) this.#takeIn();
    this.#places[row] = this.#images - 1;
    this.#oneHot.fill(0, row * classes, (row + 1) * classes);
    if (label !== null) this.#oneHot[row * classes + label] = 1;
    if (row + 1 < this.#places.length) return false;
    this.flush();
    return true;
  }

  /** Answers what has been asked so far. */
  flush(): void {
    const asked = this.#deliver.splice(0);
    if (asked.length === 0) return;
    const denoised = this.#run(roundUp(asked.length, ROWS));
    this.#images = 0;
    this.#isIn = false;
    asked.forEach((deliver, row) => {
      deliver(denoised.subarray(row * this.#size, (row + 1) * this.#size));
    });
  }

  /** Puts the image that is shown into the batch. */
  #takeIn(): void {
    this.#x.set(this.#seen!.x, this.#images * this.#size);
    this.#sigmas[this.#images] = this.#seen!.sigma;
    this.#images += 1;
    this.#isIn = true;
  }

  #run(rows: number): Float32Array {
    return valuesOf(() => {
      const x = tf.tensor(this.#x, [this.#sigmas.length, ...this.#shape]);
      const { classes } = this.#model;
      const oneHot = tf.tensor2d(this.#oneHot.subarray(0, rows * classes), [rows, classes]);
      const places = tf.tensor1d(this.#places.subarray(0, rows), 'int32');
      return denoise(this.#model, x, this.#sigmas, oneHot, undefined, places);
    });
  }
}

/** The next multiple of a unit. */
export function roundUp(count: number, unit: number): number {
  return Math.ceil(count / unit) * unit;
}
