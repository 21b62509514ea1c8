/** What a codec is: the columns in which it keeps a gradient, and the way there and back. */
import type { CodecName } from '../../../schemas/gradient-store.ts';
import type { Column, ColumnValues } from '../arrow-columns.ts';

export interface Codec {
  name: CodecName;
  /** Columns that hold one gradient of `length` values; the first is called `gradient`. */
  columns(length: number): Column[];
  /** Whether gradients are kept as they are, in one column of float32. */
  isPlain: boolean;
  /** The way there and back for gradients of `length` values. */
  open(length: number): Promise<RowCodec>;
}

/** Not for two uses at once: it has one scratch memory. */
export interface RowCodec {
  /**
   * Sets row `row` of the codec's columns to the gradient whose values start at `from` of `gradients`, and returns
   * 1 − cos between the two. Zeros stay zeros. Where a value is not finite it returns NaN and sets nothing.
   */
  encode(gradients: Float32Array, from: number, columns: readonly ColumnValues[], row: number): number;
  /** Sets the values of `gradients` from `to` on to row `row` of the codec's columns. */
  decode(columns: readonly ColumnValues[], row: number, gradients: Float32Array, to: number): void;
}
