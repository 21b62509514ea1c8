import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTensors, type Tensor, writeTensors } from '../../store/tensor-file.ts';
import { plainPython } from './support/plain-python.ts';
import { MAY_MOUNT, NEEDS_MOUNT, smallDisk } from './support/small-disk.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const GOLDEN = new URL('../../../shared/reference/golden/golden_mlp.safetensors', import.meta.url).pathname;

/** Prints {name: [dtype, shape, values]} of a safetensors file, decoded by Python. */
const PYTHON_READ = `
import array, json, struct, sys
raw = open(sys.argv[1], 'rb').read()
n, = struct.unpack('<Q', raw[:8])
header = json.loads(raw[8:8 + n])
out = {'__metadata__': header.pop('__metadata__', {}), 'header': n}
for name, e in header.items():
    a = array.array({'F32': 'f', 'I32': 'i', 'U8': 'B', 'I64': 'q'}[e['dtype']])
    a.frombytes(raw[8 + n + e['data_offsets'][0]:8 + n + e['data_offsets'][1]])
    out[name] = [e['dtype'], e['shape'], list(a)]
print(json.dumps(out))`;

const samples: Record<string, Tensor> = {
  'z.bytes': { shape: [3], data: new Uint8Array([0, 128, 255]) },
  'b.weight': { shape: [2, 3], data: new Float32Array([1.5, -0, 3e38, 1e-45, 0.1, -7]) },
  'ünits "quoted"': { shape: [2], data: new Int32Array([-2147483648, 2147483647]) },
  10: { shape: [], data: new Float32Array([42]) },
  empty: { shape: [0, 4], data: new Float32Array(0) },
};

describe('round trip', () => {
  test('tensors and metadata come back as they were, whatever their order', async () => {
    const folder = await temporaryFolder();
    await writeTensors(join(folder, 'a'), samples, { step: '12', notes: '{"a":1}' });
    const { tensors, metadata } = await readTensors(join(folder, 'a'));
    expect(tensors).toEqual(samples);
    expect(metadata).toEqual({ step: '12', notes: '{"a":1}' });

    const reversed = Object.fromEntries(Object.entries(samples).reverse());
    await writeTensors(join(folder, 'b'), reversed, { notes: '{"a":1}', step: '12' });
    expect(await readFile(join(folder, 'a'))).toEqual(await readFile(join(folder, 'b')));
    expect(await readdir(folder)).toEqual(['a', 'b']);
  });

  test('a part of a larger buffer is written, not the buffer', async () => {
    const path = join(await temporaryFolder(), 'a');
    const whole = Float32Array.from({ length: 10 }, (_, i) => i);
    await writeTensors(path, { part: { shape: [3], data: whole.subarray(4, 7) } });
    expect([...(await readTensors(path)).tensors.part!.data]).toEqual([4, 5, 6]);
  });

  test('a file without tensors is legal', async () => {
    const path = join(await temporaryFolder(), 'a');
    await writeTensors(path, {});
    expect(await readTensors(path)).toEqual({ tensors: {}, metadata: {} });
  });

  test('data that does not fill its shape is refused before anything is written', async () => {
    const folder = await temporaryFolder();
    const bad = { w: { shape: [2, 2], data: new Float32Array(3) } };
    await expect(writeTensors(join(folder, 'a'), bad)).rejects.toThrow(
      'Expected 4 values for tensor w [2,2], got 3.',
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('against Python', () => {
  test('Python reads the same values, and every tensor is aligned', async () => {
    const path = join(await temporaryFolder(), 'a');
    await writeTensors(path, samples, { by: 'test' });
    const seen = JSON.parse(plainPython(PYTHON_READ, [path]).toString());
    expect(seen.header % 8).toBe(0);
    expect(seen.__metadata__).toEqual({ by: 'test' });
    const types: Record<string, string> = { Float32Array: 'F32', Int32Array: 'I32', Uint8Array: 'U8' };
    for (const [name, { shape, data }] of Object.entries(samples)) {
      expect(seen[name]).toEqual([types[data.constructor.name], shape, [...data]]);
    }
  });

  test('every other element type that Python writes is converted', async () => {
    const path = join(await temporaryFolder(), 'a');
    plainPython(
      `
import json, struct, sys
parts = {
    'f64': ('F64', [2], struct.pack('<2d', 0.1, -1e300)),
    'i64': ('I64', [2], struct.pack('<2q', -2**31, 2**31 - 1)),
    'f16': ('F16', [6], struct.pack('<6e', 0.1, -65504, 6e-8, 6.2e-5, float('inf'), -0.0)),
    'nan': ('F16', [1], b'\\x01\\x7e'),
    'bf16': ('BF16', [2], struct.pack('<f', 1.5)[2:] + struct.pack('<f', -3e38)[2:]),
    'bool': ('BOOL', [2], b'\\x01\\x00'),
    'i8': ('I8', [3], struct.pack('<3b', -128, -1, 127)),
}
header, data = {}, b''
for name, (dtype, shape, raw) in parts.items():
    header[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
open(sys.argv[1], 'wb').write(struct.pack('<Q', len(text)) + text + data)`,
      [path],
    );
    const { tensors } = await readTensors(path);
    expect(tensors.f64!.data).toEqual(new Float32Array([0.1, -1e300]));
    expect(tensors.i64!.data).toEqual(new Int32Array([-2147483648, 2147483647]));
    // The values that Python's struct gives for the same halves.
    const halves = plainPython(
      "import struct; print(*[repr(struct.unpack('<e', struct.pack('<e', v))[0]) for v in (0.1, -65504, 6e-8, 6.2e-5)])",
    );
    expect([...tensors.f16!.data]).toEqual([
      ...halves.toString().trim().split(' ').map(Number),
      Number.POSITIVE_INFINITY,
      -0,
    ]);
    expect([...tensors.nan!.data]).toEqual([Number.NaN]);
    expect([...tensors.bf16!.data]).toEqual([1.5, -2.9907629905160607e38]);
    expect(tensors.bool!.data).toEqual(new Uint8Array([1, 0]));
    expect(tensors.i8!.data).toEqual(new Int32Array([-128, -1, 127]));
  });

  test.skipIf(!existsSync(GOLDEN))(
    'a file written by the safetensors package is read as Python reads it',
    async () => {
      const { tensors } = await readTensors(GOLDEN);
      const {
        __metadata__: _,
        header: __,
        ...expected
      } = JSON.parse(plainPython(PYTHON_READ, [GOLDEN]).toString());
      expect(Object.keys(tensors).length).toBe(19);
      for (const [name, [, shape, values]] of Object.entries<[string, number[], number[]]>(expected)) {
        expect(tensors[name]!.shape).toEqual(shape);
        expect(Buffer.compare(bytesOf(tensors[name]!.data), bytesOf(likeData(tensors[name]!, values)))).toBe(
          0,
        );
      }
    },
  );
});

function likeData({ data }: Tensor, values: number[]): Tensor['data'] {
  return data instanceof Float32Array ? Float32Array.from(values) : Int32Array.from(values);
}

function bytesOf({ buffer, byteOffset, byteLength }: Tensor['data']): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const entry = (dtype: string, shape: number[], ...offsets: number[]) => ({
  dtype,
  shape,
  data_offsets: offsets,
});

/** A file of the given header text (or object) and so many zero bytes of data. */
function fileOf(header: unknown, dataBytes: number, fill = 0): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes, fill)]);
}

describe('damaged files', () => {
  const cases: [string, Uint8Array, string][] = [
    [
      'no header length',
      new Uint8Array(5),
      'Expected a header length of 8 bytes in PATH, found a file of 5 bytes.',
    ],
    [
      'a torn header',
      fileOf({ a: entry('F32', [1], 0, 4) }, 4).subarray(0, 30),
      'Expected a header of 54 bytes in PATH, found a file of 30 bytes.',
    ],
    [
      'a web page under the name',
      Buffer.from('<!DOCTYPE html><html></html>'),
      'Expected a header of 5789751444030890300 bytes in PATH, found a file of 28 bytes.',
    ],
    [
      'a header that is no JSON',
      fileOf('{"a": [', 0),
      'Expected a header in JSON in PATH, found "{\\"a\\": [".',
    ],
    ['a header that is no object', fileOf('[1]', 0), 'Expected a header in JSON in PATH, found "[1]".'],
    [
      'metadata that is no text',
      fileOf({ __metadata__: { a: 1 } }, 0),
      'Expected texts as metadata in PATH, found {"a":1}.',
    ],
    [
      'an entry without offsets',
      fileOf({ w: { dtype: 'F32', shape: [1] } }, 4),
      'Expected dtype, shape and data_offsets for tensor w in PATH, found {"dtype":"F32","shape":[1]}.',
    ],
    [
      'a negative side',
      fileOf({ w: entry('F32', [-1], 0, 4) }, 4),
      'Expected dtype, shape and data_offsets for tensor w in PATH, found {"dtype":"F32","shape":[-1],"data_offsets":[0,4]}.',
    ],
    [
      'an unknown type',
      fileOf({ w: entry('C64', [1], 0, 8) }, 8),
      'Expected one of F32, I32, U8, BOOL, I8, F64, I64, F16, BF16 as type of tensor w in PATH, found C64.',
    ],
    [
      'a shape that does not fit',
      fileOf({ w: entry('F32', [3], 0, 4) }, 4),
      'Expected 12 bytes for tensor w [3] F32 in PATH, found data_offsets [0,4].',
    ],
    [
      'overlapping tensors',
      fileOf({ a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) }, 8),
      'Expected tensor b to begin at byte 8 of the data in PATH, found byte 4.',
    ],
    [
      'a gap',
      fileOf({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 8, 12) }, 12),
      'Expected tensor b to begin at byte 4 of the data in PATH, found byte 8.',
    ],
    [
      'torn data',
      fileOf({ a: entry('F32', [2], 0, 8) }, 5),
      'Expected tensor a to end at byte 8 of the data in PATH, found only 5 bytes.',
    ],
    [
      'bytes after the data',
      fileOf({ a: entry('F32', [1], 0, 4) }, 9),
      'Expected 4 bytes of data in PATH, found 9 bytes.',
    ],
    [
      'an integer of more than 32 bits',
      fileOf({ y: entry('I64', [1], 0, 8) }, 8, 1),
      'Expected values of 32 bits in tensor y in PATH, found the value 72340172838076673.',
    ],
  ];

  test.each(cases)('%s', async (_, bytes, message) => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    await writeFile(path, bytes);
    expect(await thrownBy(readTensors(path))).toEqual({
      code: 'DATA_DAMAGED',
      message: `${message.replace('PATH', path)} The file is damaged or no safetensors file; make it again or fetch a fresh copy.`,
    });
  });

  test('every prefix of a file is refused', async () => {
    const folder = await temporaryFolder();
    await writeTensors(join(folder, 'whole'), samples);
    const whole = await readFile(join(folder, 'whole'));
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(join(folder, 'part'), whole.subarray(0, length));
      expect((await thrownBy(readTensors(join(folder, 'part')))).code).toBe('DATA_DAMAGED');
    }
  });

  test('a missing file is named', async () => {
    expect(await thrownBy(readTensors('/nowhere/x.safetensors'))).toEqual({
      code: 'NOT_FOUND',
      message: 'Expected a safetensors file at /nowhere/x.safetensors, found no file there. Check the path.',
    });
  });
});

test.skipIf(!MAY_MOUNT)(`a full disk leaves the old file and nothing else${NEEDS_MOUNT}`, async () => {
  const folder = smallDisk(64);
  const path = join(folder, 'a');
  await writeTensors(path, samples);
  const large = { w: { shape: [50_000], data: new Float32Array(50_000) } };
  expect((await thrownBy(writeTensors(path, large))).code).toBe('DISK_FULL');
  expect((await readTensors(path)).tensors).toEqual(samples);
  expect(await readdir(folder)).toEqual(['a']);
});
