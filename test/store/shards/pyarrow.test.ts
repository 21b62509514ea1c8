/** The files are Arrow files to others as well: the real pyarrow opens them and finds the same values. */

import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { expect, test } from 'vitest';
import type { CodecName } from '../../../schemas/gradient-store.ts';
import { openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { writeImageTable } from '../../../store/shards/image-table.ts';
import { python } from '../../support/python.ts';
import { allRows, classesOf, normalArray, sizeOf } from './sample-stores.ts';
import { makeStore, temporaryFolder } from './temporary-stores.ts';

/** Prints the schema, the metadata and all values of the files given, one after another. */
const READ = `
import json, sys
import pyarrow as pa
tables = []
for path in sys.argv[1:]:
    with pa.memory_map(path) as source:
        reader = pa.ipc.open_file(source)
        table = reader.read_all()
        table.validate(full=True)
        tables.append(table)
whole = pa.concat_tables(tables)
print(json.dumps({
    "types": {field.name: str(field.type) for field in whole.schema},
    "nullable": [field.nullable for field in whole.schema],
    "metadata": {k.decode(): v.decode() for k, v in (whole.schema.metadata or {}).items()},
    "columns": {name: [float(v) if not isinstance(v, list) else [float(x) for x in v]
                       for v in whole.column(name).to_pylist()] for name in whole.column_names},
}))
`;

interface Found {
  types: Record<string, string>;
  nullable: boolean[];
  metadata: Record<string, string>;
  columns: Record<string, number[] | number[][]>;
}

function readInPython(paths: string[]): Found {
  return JSON.parse(python(READ, paths)) as Found;
}

const GRADIENT_TYPES: Record<CodecName, Record<string, string>> = {
  float32: { gradient: 'fixed_size_list<item: float not null>[66]' },
  float16: { gradient: 'fixed_size_list<item: halffloat not null>[66]', scale: 'float' },
  int8: {
    gradient: 'fixed_size_list<item: int8 not null>[66]',
    scale: 'fixed_size_list<item: float not null>[2]',
  },
};

/** What the columns mean, as their documentation says. */
const DECODE: Record<CodecName, (columns: Found['columns'], row: number, i: number) => number> = {
  float32: ({ gradient }, row, i) => (gradient as number[][])[row]![i]!,
  float16: ({ gradient, scale }, row, i) => (gradient as number[][])[row]![i]! * (scale as number[])[row]!,
  int8: ({ gradient, scale }, row, i) =>
    (gradient as number[][])[row]![i]! * (scale as number[][])[row]![Math.floor(i / 64)]!,
};

test.each(Object.keys(DECODE) as CodecName[])(
  'pyarrow finds the same %s gradients as the reader',
  async (codec) => {
    const { directory, info } = await makeStore({
      codec,
      shape: [11, 6, 1],
      targetClasses: 'listed',
      classes: 40000,
    });
    const names = (await readdir(directory)).filter((name) => name.endsWith('.arrow')).sort();
    expect(names).toEqual(['shard-00000.arrow', 'shard-00001.arrow', 'shard-00002.arrow']);
    const found = readInPython(names.map((name) => join(directory, name)));
    expect(found.types).toEqual({ image: 'int32', target: 'int32', ...GRADIENT_TYPES[codec] });
    expect(found.nullable).toEqual(Object.keys(found.types).map(() => false));
    expect(found.metadata).toEqual({ codec, shape: '[11,6,1]' });
    expect(found.columns.image).toEqual(allRows(info).map(({ image }) => image));
    expect(found.columns.target).toEqual(Array.from(classesOf(info)));

    const reader = await openGradientReader(directory);
    const out = new Float32Array(info.images * info.targets * sizeOf(info));
    await reader.read(allRows(info), out);
    await reader.close();
    const decoded = Float32Array.from(out, (_, i) =>
      DECODE[codec](found.columns, Math.floor(i / 66), i % 66),
    );
    expect(decoded).toEqual(out);
  },
);

test.each(['uint8', 'float32'] as const)('pyarrow finds the same %s images and labels', async (storage) => {
  const path = join(await temporaryFolder(), 'train.arrow');
  const values = normalArray(30 * 20, 3, 40);
  const images = storage === 'uint8' ? Uint8Array.from(values, Math.abs) : values;
  const labels = Uint16Array.from({ length: 30 }, (_, i) => i * 8);
  await writeImageTable(path, { images, labels }, [4, 5, 1], storage);
  const found = readInPython([path]);
  const type = storage === 'uint8' ? 'uint8' : 'float';
  expect(found.types).toEqual({ image: `fixed_size_list<item: ${type} not null>[20]`, label: 'int32' });
  expect((found.columns.image as number[][]).flat()).toEqual(Array.from(images));
  expect(found.columns.label).toEqual(Array.from(labels));
});

const READ_LAST = `
import json, sys
import pyarrow as pa
with pa.memory_map(sys.argv[1]) as source:
    reader = pa.ipc.open_file(source)
    table = reader.read_all()
    table.validate(full=True)
    print(json.dumps([reader.num_record_batches, table.num_rows, table.slice(table.num_rows - 1).to_pylist()[0]]))
`;

test('pyarrow and apache-arrow read a shard of several record batches, the last one short', async () => {
  const { directory } = await makeStore({
    codec: 'int8',
    shape: [64, 64, 1],
    images: 62,
    targets: 10,
    shardImages: 62,
  });
  const path = join(directory, 'shard-00000.arrow');
  const [batches, rows, last] = JSON.parse(python(READ_LAST, [path]));
  expect([batches, rows, last.image, last.target]).toEqual([6, 620, 61, 9]);
  const table = tableFromIPC(readFileSync(path));
  expect(table.batches.length).toBe(6);
  expect(table.numRows).toBe(620);
  expect(table.getChild('image')!.get(619)).toBe(61);
  expect(Array.from(table.getChild('gradient')!.get(619) as Iterable<number>)).toEqual(last.gradient);
});
