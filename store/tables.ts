/** Tables of results in Parquet, which DuckDB, pandas and many others open as they are. See docs/parquet.md. */
import { readFile } from 'node:fs/promises';
import { type DecodedArray, parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { PipelineError } from '../schemas/errors.ts';
import { writeFileAtomic } from './atomic-file.ts';

export interface TableColumn {
  name: string;
  type: 'STRING' | 'INT32' | 'DOUBLE' | 'FLOAT' | 'BOOLEAN';
  /** One value per row. */
  values: ArrayLike<unknown>;
  /** Whether a value may be null. @default false */
  nullable?: boolean;
}

/** What each type takes besides finite numbers, which are checked first. */
const accepts: Record<TableColumn['type'], (value: unknown) => boolean> = {
  STRING: (value) => typeof value === 'string',
  INT32: (value) => Number.isInteger(value) && (value as number) === ((value as number) | 0),
  DOUBLE: (value) => typeof value === 'number',
  FLOAT: (value) => typeof value === 'number' && Number.isFinite(Math.fround(value)),
  BOOLEAN: (value) => typeof value === 'boolean',
};

/**
 * Writes the table atomically; the same columns give the same bytes. Throws `NOT_FINITE` for NaN and infinities,
 * which would spoil every average over the column; a value that is not known is null in a `nullable` column.
 */
export async function writeTable(path: string, columns: TableColumn[]): Promise<void> {
  for (const column of columns) {
    checkLength(column, columns[0]!);
    for (let row = 0; row < column.values.length; row++) checkValue(path, column, row);
  }
  const columnData = columns.map(({ name, type, values, nullable = false }) => ({
    name,
    type,
    nullable,
    data: Array.from(values) as DecodedArray,
  }));
  const buffer = parquetWriteBuffer({ columnData, createdBy: 'pag-pipeline' });
  await writeFileAtomic(path, new Uint8Array(buffer));
}

function checkLength(column: TableColumn, first: TableColumn): void {
  if (column.values.length === first.values.length) return;
  throw new TypeError(
    `Expected ${first.values.length} values in column ${column.name} as in ${first.name}, got ${column.values.length}.`,
  );
}

function checkValue(path: string, { name, type, values, nullable }: TableColumn, row: number): void {
  const value = values[row];
  if (value === null && nullable) return;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    const message = `Expected a finite number in column ${name}, row ${row}, of the table ${path}, found ${value}. The calculation before it went wrong: look where the number comes from, e.g. a training that diverged, and lower its learning rate.`;
    throw new PipelineError('NOT_FINITE', message);
  }
  if (!accepts[type](value)) {
    throw new TypeError(
      `Expected a value of type ${type} in column ${name}, row ${row}, got ${String(value)}.`,
    );
  }
}

/**
 * Reads a table whole, one object per row. Throws `NOT_FOUND`, or `DATA_DAMAGED` for a file that is no Parquet;
 * changed values inside a well-formed file are found by the artifact's checksums.
 */
export async function readTable(path: string): Promise<Record<string, unknown>[]> {
  const bytes = await readBytes(path);
  try {
    return await parquetReadObjects({
      file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    });
  } catch (error) {
    const reason = (error as Error).message;
    const message = `Expected a Parquet table in ${path}, found a file that cannot be read as one (${reason}). Remove it and run the same command again; it will be made anew.`;
    throw new PipelineError('DATA_DAMAGED', message, { place: { files: [path] }, cause: error });
  }
}

async function readBytes(path: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return (await readFile(path)) as Buffer<ArrayBuffer>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new PipelineError(
      'NOT_FOUND',
      `Expected a Parquet table at ${path}, found no file there. Check the path.`,
    );
  }
}
