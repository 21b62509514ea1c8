/** Exported gradients as other programs read them: numpy by a memory map, pyarrow, DuckDB. */
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GradientStoreInfo } from '../../../schemas/gradient-store.ts';
import { exportArrow } from '../../../store/shards/export-arrow.ts';
import { exportNpy, npyHeader } from '../../../store/shards/export-npy.ts';
import { exportParquet } from '../../../store/shards/export-parquet.ts';
import { openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { openGradientWriter } from '../../../store/shards/gradient-writer.ts';
import { python } from '../../support/python.ts';
import { allRows, classesOf, sizeOf, storeInfo } from './sample-stores.ts';
import { makeStore, temporaryFolder } from './temporary-stores.ts';

const SHAPE = [64, 64, 3];

/** Compares all three files with the gradients that the reader gives, in Python. */
const COMPARE = `
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq, duckdb
folder, images, targets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
shape = [int(side) for side in sys.argv[4].split(',')]
expected = np.fromfile(folder + '/expected.bin', '<f4').reshape([images, targets, *shape])
classes = np.fromfile(folder + '/classes.bin', '<u2')
rows = images * targets
npy = np.load(folder + '/g.npy', mmap_mode='r')
assert npy.dtype == np.float32 and npy.shape == expected.shape and (npy == expected).all()
half = np.load(folder + '/half.npy', mmap_mode='r')
assert half.dtype == np.float16 and (half == expected.astype(np.float16)).all()
image = np.repeat(np.arange(images), targets)
def check(table):
    assert table.num_rows == rows
    assert (table['image'].to_numpy() == image).all() and (table['target'].to_numpy() == classes).all()
    values = table['gradient'].combine_chunks()
    values = values.chunk(0).flatten() if hasattr(values, 'chunk') else values.flatten()
    assert str(values.type) == 'float' and (values.to_numpy() == expected.ravel()).all()
with pa.memory_map(folder + '/g.arrow') as source:
    reader = pa.ipc.open_file(source)
    assert reader.schema.metadata[b'shape'] == str(shape).replace(' ', '').encode()
    check(reader.read_all())
table = pq.read_table(folder + '/g.parquet')
check(table)
found = duckdb.sql(f"select count(*), max(image), sum(target), len(any_value(gradient)) from '{folder}/g.parquet'").fetchone()
assert found == (rows, images - 1, int(classes.sum()), int(np.prod(shape))), found
first = duckdb.sql(f"select gradient from '{folder}/g.parquet' where image = {images - 1} order by target limit 1").fetchone()[0]
wanted = expected.reshape(rows, -1)[(images - 1) * targets + int(np.argmin(classes[-targets:]))]
assert (np.array(first, np.float32) == wanted).all()
print('same')
`;

test.each<Partial<GradientStoreInfo>>([
  { codec: 'float32' },
  { codec: 'float16' },
  { codec: 'int8', targetClasses: 'listed', classes: 300 },
])('%j is the same everywhere', async (settings) => {
  const { directory, info } = await makeStore({
    shape: SHAPE,
    images: 23,
    targets: 4,
    shardImages: 10,
    ...settings,
  });
  const folder = await temporaryFolder();
  const reader = await openGradientReader(directory);
  const expected = new Float32Array(info.images * info.targets * sizeOf(info));
  await reader.read(allRows(info), expected);
  await writeFile(join(folder, 'expected.bin'), new Uint8Array(expected.buffer));
  const listed = info.targetClasses === 'listed';
  const classes = listed ? classesOf(info) : Uint16Array.from(allRows(info), ({ target }) => target);
  await writeFile(join(folder, 'classes.bin'), new Uint8Array(classes.buffer));

  expect(await exportNpy(reader, join(folder, 'g.npy'), 'float32')).toBeNull();
  expect(await exportNpy(reader, join(folder, 'half.npy'), 'float16')).toBeLessThan(1e-6);
  await exportArrow(reader, directory, join(folder, 'g.arrow'));
  await exportParquet(reader, join(folder, 'g.parquet'));
  await reader.close();

  const { images, targets } = info;
  expect(python(COMPARE, [folder, String(images), String(targets), SHAPE.join(',')])).toBe('same\n');
  expect(existsSync(join(folder, 'g.classes.npy'))).toBe(listed);
  if (!listed) return;
  const script = 'import sys, numpy\nprint(numpy.load(sys.argv[1]).ravel().tolist())';
  expect(JSON.parse(python(script, [join(folder, 'g.classes.npy')]))).toEqual([...classes]);
});

async function storeOf(values: number[]) {
  const info = storeInfo({ codec: 'float32', shape: [values.length], images: 1, targets: 1 });
  const directory = await temporaryFolder();
  const writer = await openGradientWriter(directory, info);
  await writer.write(0, Float32Array.from(values));
  return openGradientReader(directory);
}

test.each(['npy', 'arrow', 'parquet'] as const)(
  'an export to %s that is stopped leaves nothing',
  async (kind) => {
    const { directory } = await makeStore({});
    const reader = await openGradientReader(directory);
    const folder = await temporaryFolder();
    const path = join(folder, `g.${kind}`);
    const stop = AbortSignal.abort();
    const write = {
      npy: () => exportNpy(reader, path, 'float32', stop),
      arrow: () => exportArrow(reader, directory, path, stop),
      parquet: () => exportParquet(reader, path, stop),
    };
    await expect(write[kind]()).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: 'Stopped on request.',
    });
    expect(await readdir(folder)).toEqual([]);
    await reader.close();
  },
);

test('float16 refuses what is too large, and measures what is too small', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'g.npy');
  const large = await storeOf([1, -40_000]);
  await expect(exportNpy(large, path, 'float16')).rejects.toMatchObject({
    code: 'NOT_FINITE',
    message: `Expected gradients within ±32752 for float16 in ${path}, found one of 40000; export float32 (--dtype float32).`,
  });
  expect(await readdir(folder)).toEqual([]);
  const small = await storeOf([1e-9, 2e-9]);
  expect(await exportNpy(small, path, 'float16')).toBe(1);
  await Promise.all([large.close(), small.close()]);
});

test('headers of arrays of any rank are multiples of 64 bytes', () => {
  for (const shape of [[5], [1, 2], [50_000, 10, 32, 32, 3]]) {
    const header = npyHeader('float32', shape);
    expect(header.length % 64).toBe(0);
    expect(header.toString('latin1')).toMatch(/ *\n$/);
  }
});
