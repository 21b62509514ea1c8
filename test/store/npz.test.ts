/** .npz files, read back by the reader of data sets and by numpy. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNpz } from '../../store/datasets/npy.ts';
import { writeNpz } from '../../store/npz.ts';
import { python } from '../support/python.ts';
import { temporaryFolder } from '../support/stage-context.ts';

const arrays = {
  x: { shape: [2, 3], data: Float32Array.of(0.5, -1, 2, 3e-30, 4, 5) },
  label: { shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) },
  none: { shape: [0, 4], data: new Float32Array(0) },
};

async function written(): Promise<string> {
  const path = join(temporaryFolder(), 'a.npz');
  await writeNpz(path, arrays);
  return path;
}

describe('arrays in an .npz file', () => {
  it('come back with their shapes, and the same arrays are the same bytes', async () => {
    const path = await written();
    const found = await readNpz(path);
    expect([...found.keys()]).toEqual(['x', 'label', 'none']);
    expect(found.get('x')).toMatchObject({ shape: [2, 3], dtype: '<f4' });
    const stream = await found.get('x')!.open();
    const bytes = new Uint8Array(await stream.take(24));
    await stream.drain();
    await stream.close();
    expect([...new Float32Array(bytes.buffer)]).toEqual([...arrays.x.data]);
    expect(readFileSync(await written()).equals(readFileSync(path))).toBe(true);
  });

  it('are refused where shape and values disagree', async () => {
    const wrong = { x: { shape: [3], data: Float32Array.of(1, 2) } };
    await expect(writeNpz(join(temporaryFolder(), 'a.npz'), wrong)).rejects.toThrow(
      'Expected 3 values for x.npy [3], got 2.',
    );
  });

  it('are read by numpy', async () => {
    const script = `import sys, numpy
arrays = numpy.load(sys.argv[1])
print([(name, arrays[name].dtype.str, arrays[name].tolist()) for name in ('label', 'none')], arrays['x'].shape, arrays['x'].sum() == numpy.float32(10.5))`;
    expect(python(script, [await written()]).trim()).toBe(
      "[('label', '<i4', [-1, 2147483647]), ('none', '<f4', [])] (2, 3) True",
    );
  });
});
