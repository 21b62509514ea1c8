/** What a codec is: the columns in which it keeps a gradient, and the way there and back. */
import type { CodecName } from '../../../schemas/gradient-store.ts';
import type { Column, ColumnValues } from '../arrow-columns.ts';

export interface Codec {
  name: CodecName;
  /** Columns that hold one gradient of `length` values; the first is called `gradient`. */
  columns(length: number): Column[];
  /** Whether gradients are kept as they are, in one column of float32. */
  isPlain: boolean;
  openEncoder(length: number): Promise<Encoder>;
  /**
   * @param storedBytes room for rows as they are stored
   * @param rows room for decoded rows
   */
  openDecoder(length: number, storedBytes: number, rows: number): Promise<Decoder>;
}

export interface Encoder {
  /**
   * Sets row `row` of the codec's columns to the gradient whose values start at `from` of `gradients`, and returns
   * 1 − cos between the two. Zeros stay zeros. Where a value is not finite it returns NaN and sets nothing.
   */
  encode(gradients: Float32Array, from: number, columns: readonly ColumnValues[], row: number): number;
}

/** Has the memory in which it works: nothing is copied but what its user takes out. */
export interface Decoder {
  /** Where rows are put as they are stored. */
  readonly stored: Uint8Array;
  /** [rows, length] */
  readonly decoded: Float32Array;
  /**
   * Sets row `index` of `decoded`, and perhaps values of the rows after it.
   * @param places where row 0 of each of the codec's columns starts in `stored`: multiples of 4 bytes
   * @param row counted from there
   */
  decode(places: readonly number[], row: number, index: number): void;
}
