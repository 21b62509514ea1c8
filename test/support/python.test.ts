import { expect, test } from 'vitest';
import { python } from './python.ts';

test('runs a script with its arguments, with pyarrow, DuckDB and TensorBoard at hand', () => {
  const script = `
import sys, duckdb, pyarrow
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
print(sys.argv[1], duckdb.sql('select 6 * 7').fetchone()[0], pyarrow.array([1, 2]).sum())`;
  expect(python(script, ['answer'])).toBe('answer 42 3\n');
});

test('says what to do where the packages are not installed', () => {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = '/nowhere';
  try {
    expect(() => python('', [])).toThrow(
      /^The Python packages that this test reads our files with are not installed: run `npm test` once\.$/,
    );
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  }
});
