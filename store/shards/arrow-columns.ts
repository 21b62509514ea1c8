/**
 * Fixed-width columns and how they lie in a record batch. Every row has the same size and no value is ever null,
 * so that the place of any row follows from three numbers.
 */
import {
  DataType,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Int8,
  Int32,
  Precision,
  Schema,
  Uint8,
} from 'apache-arrow';

/** Arrow types in use. `float16` is held as its bits, since JavaScript has no such array. */
export const VALUE_KINDS = {
  int8: { array: Int8Array, make: () => new Int8() },
  uint8: { array: Uint8Array, make: () => new Uint8() },
  int32: { array: Int32Array, make: () => new Int32() },
  float16: { array: Uint16Array, make: () => new Float16() },
  float32: { array: Float32Array, make: () => new Float32() },
} as const;
export type ValueKind = keyof typeof VALUE_KINDS;

/** The values of a column, row after row. */
export type ColumnValues = Int8Array | Uint8Array | Int32Array | Uint16Array | Float32Array;

export interface Column {
  name: string;
  kind: ValueKind;
  /** Values of a row where it is a list (FixedSizeList), null where it is a single value. */
  width: number | null;
}

/** Buffers start at multiples of so many bytes, as the Arrow format recommends. */
export const ALIGNMENT = 64;

/** The next multiple of {@link ALIGNMENT}. */
export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Bytes of one row of a column. */
export function rowBytes(column: Column): number {
  return VALUE_KINDS[column.kind].array.BYTES_PER_ELEMENT * (column.width ?? 1);
}

/** Where each column starts in the body of a batch of `rows` rows, and the length of that body, in bytes. */
export function layOut(columns: readonly Column[], rows: number): { offsets: number[]; bytes: number } {
  let bytes = 0;
  const offsets = columns.map((column) => {
    const offset = bytes;
    bytes += align(rows * rowBytes(column));
    return offset;
  });
  return { offsets, bytes };
}

/** The column's values at `offset` of a buffer; no copy. `offset` must be a multiple of the value's size. */
export function viewColumn(
  column: Column,
  buffer: ArrayBufferLike,
  offset: number,
  rows: number,
): ColumnValues {
  return new VALUE_KINDS[column.kind].array(buffer as ArrayBuffer, offset, rows * (column.width ?? 1));
}

/** Arrow's schema of such columns. Metadata is stored in the order in which it is given. */
export function toSchema(columns: readonly Column[], metadata: Record<string, string>): Schema {
  const fields = columns.map(({ name, kind, width }) => {
    const value = VALUE_KINDS[kind].make();
    const type = width === null ? value : new FixedSizeList(width, new Field<DataType>('item', value, false));
    return new Field<DataType>(name, type, false);
  });
  return new Schema(fields, new Map(Object.entries(metadata)));
}

/** The inverse of {@link toSchema}. Throws where a column has a type that is not in use here. */
export function toColumns(schema: Schema): Column[] {
  return schema.fields.map(({ name, type }) =>
    DataType.isFixedSizeList(type)
      ? { name, kind: kindOf(name, type.children[0]!.type), width: type.listSize }
      : { name, kind: kindOf(name, type), width: null },
  );
}

function kindOf(name: string, type: DataType): ValueKind {
  if (DataType.isInt(type) && type.bitWidth === 8) return type.isSigned ? 'int8' : 'uint8';
  if (DataType.isInt(type) && type.bitWidth === 32 && type.isSigned) return 'int32';
  if (DataType.isFloat(type) && type.precision === Precision.HALF) return 'float16';
  if (DataType.isFloat(type) && type.precision === Precision.SINGLE) return 'float32';
  throw new Error(`column ${name} has the type ${type}`);
}

/** Columns in words, for messages: `image: uint8[256], label: int32`. */
export function describeColumns(columns: readonly Column[]): string {
  return columns
    .map(({ name, kind, width }) => `${name}: ${kind}${width === null ? '' : `[${width}]`}`)
    .join(', ');
}
