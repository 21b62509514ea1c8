import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTable, type TableColumn, writeTable } from '../../store/tables.ts';
import { python } from '../support/python.ts';
import { MAY_MOUNT, NEEDS_MOUNT, smallDisk } from './support/small-disk.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const columns: TableColumn[] = [
  { name: 'variant', type: 'STRING', values: ['vanilla', 'λ = "5"', ''] },
  { name: 'n', type: 'INT32', values: new Int32Array([-2147483648, 0, 2147483647]) },
  { name: 'accuracy', type: 'DOUBLE', values: [0.1, 1e-300, -0] },
  { name: 'cosine', type: 'DOUBLE', values: [null, 0.25, null], nullable: true },
  { name: 'norm', type: 'FLOAT', values: new Float32Array([0.1, 3e38, 1e-45]) },
  { name: 'targeted', type: 'BOOLEAN', values: [true, false, true] },
];
const float32 = Math.fround;
const rows = [
  { variant: 'vanilla', n: -2147483648, accuracy: 0.1, cosine: null, norm: float32(0.1), targeted: true },
  { variant: 'λ = "5"', n: 0, accuracy: 1e-300, cosine: 0.25, norm: float32(3e38), targeted: false },
  { variant: '', n: 2147483647, accuracy: -0, cosine: null, norm: float32(1e-45), targeted: true },
];

/** 5,000 rows: more than one row group and more than one dictionary. */
const long: TableColumn[] = [
  { name: 'row', type: 'INT32', values: Array.from({ length: 5000 }, (_, i) => i) },
  { name: 'name', type: 'STRING', values: Array.from({ length: 5000 }, (_, i) => `attack ${i % 7}`) },
  { name: 'value', type: 'DOUBLE', values: Array.from({ length: 5000 }, (_, i) => Math.sin(i)) },
];

test('a table comes back as it was written, with the same bytes each time', async () => {
  const folder = await temporaryFolder();
  await writeTable(join(folder, 'a'), columns);
  await writeTable(join(folder, 'b'), columns);
  expect(await readTable(join(folder, 'a'))).toEqual(rows);
  expect(await readFile(join(folder, 'a'))).toEqual(await readFile(join(folder, 'b')));
});

test('a table without rows keeps its columns', async () => {
  const path = join(await temporaryFolder(), 'a');
  await writeTable(
    path,
    columns.map((column) => ({ ...column, values: [] })),
  );
  expect(await readTable(path)).toEqual([]);
  expect(JSON.parse(python(READ_BY_PYARROW, [path])).names).toEqual(columns.map(({ name }) => name));
});

const READ_BY_PYARROW = `
import json, sys
import pyarrow.parquet as parquet
table = parquet.read_table(sys.argv[1])
print(json.dumps({'names': table.column_names, 'types': [str(t) for t in table.schema.types],
                  'nullable': [f.nullable for f in table.schema], 'rows': table.to_pylist()}))`;

describe('read by others', () => {
  test('pyarrow sees the same types, nulls and values', async () => {
    const path = join(await temporaryFolder(), 'a.parquet');
    await writeTable(path, columns);
    expect(JSON.parse(python(READ_BY_PYARROW, [path]))).toEqual({
      names: ['variant', 'n', 'accuracy', 'cosine', 'norm', 'targeted'],
      types: ['string', 'int32', 'double', 'double', 'float', 'bool'],
      nullable: [false, false, false, true, false, false],
      rows,
    });
  });

  test('DuckDB sees the same values and can calculate with them', async () => {
    const folder = await temporaryFolder();
    await writeTable(join(folder, 'a.parquet'), columns);
    await writeTable(join(folder, 'long.parquet'), long);
    const script = `
import duckdb, json, sys
a, long = sys.argv[1:]
print(json.dumps(duckdb.sql(f"select * from '{a}'").fetchall()))
print(json.dumps(duckdb.sql(f"select name, count(*), sum(row), sum(value) from '{long}' group by name order by name").fetchall()))`;
    const [table, sums] = python(script, [join(folder, 'a.parquet'), join(folder, 'long.parquet')])
      .trim()
      .split('\n');
    expect(JSON.parse(table!)).toEqual(rows.map((row) => Object.values(row)));
    for (const [name, count, rowSum, valueSum] of JSON.parse(sums!)) {
      const mine = Array.from({ length: 5000 }, (_, i) => i).filter((i) => `attack ${i % 7}` === name);
      expect(count).toBe(mine.length);
      expect(rowSum).toBe(mine.reduce((sum, i) => sum + i, 0));
      expect(valueSum).toBeCloseTo(
        mine.reduce((sum, i) => sum + Math.sin(i), 0),
        9,
      );
    }
    expect(JSON.parse(sums!).length).toBe(7);
  });

  test('a table that pyarrow wrote is read as it is', async () => {
    const path = join(await temporaryFolder(), 'a.parquet');
    const script = `
import sys
import pyarrow, pyarrow.parquet as parquet
parquet.write_table(pyarrow.table({'s': ['a', None], 'd': [0.5, -2.0]}), sys.argv[1])`;
    python(script, [path]);
    expect(await readTable(path)).toEqual([
      { s: 'a', d: 0.5 },
      { s: null, d: -2 },
    ]);
  });
});

describe('values that do not belong', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%s is named with column and row',
    async (value) => {
      const path = join(await temporaryFolder(), 'metrics.parquet');
      const column: TableColumn = { name: 'loss', type: 'DOUBLE', values: [1, 2, value], nullable: true };
      expect(await thrownBy(writeTable(path, [column]))).toEqual({
        code: 'NOT_FINITE',
        message: `Expected a finite number in column loss, row 2, of the table ${path}, found ${value}. The calculation before it went wrong: look where the number comes from, e.g. a training that diverged, and lower its learning rate.`,
      });
      expect(await readdir(join(path, '..'))).toEqual([]);
    },
  );

  test.each<[TableColumn['type'], unknown]>([
    ['STRING', 1],
    ['STRING', null],
    ['INT32', 1.5],
    ['INT32', 2 ** 31],
    ['FLOAT', 1e39],
    ['DOUBLE', '1'],
    ['DOUBLE', undefined],
    ['BOOLEAN', 0],
  ])('a %s does not take %s', async (type, value) => {
    const path = join(await temporaryFolder(), 'a');
    await expect(writeTable(path, [{ name: 'c', type, values: [value] }])).rejects.toThrow(
      new TypeError(`Expected a value of type ${type} in column c, row 0, got ${value}.`),
    );
  });

  test('columns of different length are refused', async () => {
    const short: TableColumn = { name: 'b', type: 'INT32', values: [1] };
    await expect(writeTable('/nowhere', [{ ...short, name: 'a', values: [1, 2] }, short])).rejects.toThrow(
      new TypeError('Expected 2 values in column b as in a, got 1.'),
    );
  });
});

describe('files that are no table', () => {
  test('a torn file is named', async () => {
    const path = join(await temporaryFolder(), 'a.parquet');
    await writeTable(path, columns);
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.length - 1));
    expect(await thrownBy(readTable(path))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected a Parquet table in ${path}, found a file that cannot be read as one (parquet file invalid (footer != PAR1)). Remove it and run the same command again; it will be made anew.`,
    });
    for (let length = 0; length < whole.length; length += 97) {
      await writeFile(path, whole.subarray(0, length));
      expect((await thrownBy(readTable(path))).code).toBe('DATA_DAMAGED');
    }
  });

  test('a missing file is named', async () => {
    expect(await thrownBy(readTable('/nowhere/a.parquet'))).toEqual({
      code: 'NOT_FOUND',
      message: 'Expected a Parquet table at /nowhere/a.parquet, found no file there. Check the path.',
    });
  });
});

test.skipIf(!MAY_MOUNT)(`a full disk is named, and the old table stays${NEEDS_MOUNT}`, async () => {
  const path = join(smallDisk(32), 'a');
  await writeTable(path, columns);
  expect((await thrownBy(writeTable(path, long))).code).toBe('DISK_FULL');
  expect(await readTable(path)).toEqual(rows);
});
