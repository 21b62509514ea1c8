/** What a codec is: the columns in which it keeps a gradient, and the way there and back. */
import type { CodecName } from '../../../schemas/gradient-store.ts';
import type { Column, ColumnValues } from '../arrow-columns.ts';

export interface Codec {
  name: CodecName;
  /** Columns that hold one gradient of `length` values; the first is called `gradient`. */
  columns(length: number): Column[];
  /**
   * Sets every value of one row of those columns. Zeros stay zeros.
   * @param gradient finite values
   */
  encode(gradient: Float32Array, row: readonly ColumnValues[]): void;
  /** Sets every value of `gradient` from one row of those columns. */
  decode(row: readonly ColumnValues[], gradient: Float32Array): void;
}
