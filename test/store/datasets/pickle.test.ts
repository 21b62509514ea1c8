import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPickle } from '../../../store/datasets/pickle.ts';
import { FileBytes } from '../../../store/datasets/pickle-input.ts';
import { NumpyArray } from '../../../store/datasets/pickle-numpy.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { digest, madeByPython } from './python-fixtures.ts';

/** A pickle of Python source's value, in each protocol. */
const pickled = (value: string, protocols = [0, 1, 2, 3, 4, 5]) =>
  madeByPython<null>(`
value = ${value}
for protocol in ${JSON.stringify(protocols)}:
    with open(f'{protocol}.pkl', 'wb') as file:
        pickle.dump(value, file, protocol=protocol)`);

describe('values', () => {
  test('plain values come back, in every protocol', async () => {
    const { folder } = await pickled(
      `{'a': [1, -2, 300, 70000, 2**40, -2**70, 0.5, None, True, False], 'b': ('x', 'Ü €\\n\\\\', ''), 'c': {'d': [[]]}, 1: 't' * 300}`,
    );
    for (const protocol of [0, 1, 2, 3, 4, 5]) {
      const value = readPickle(join(folder, `${protocol}.pkl`)) as Map<unknown, unknown>;
      expect(value.get('a')).toEqual([1, -2, 300, 70000, 2 ** 40, -(2 ** 70), 0.5, null, true, false]);
      expect(value.get('b')).toEqual(['x', 'Ü €\n\\', '']);
      expect(value.get('c')).toEqual(new Map([['d', [[]]]]));
      expect(value.get(1)).toBe('t'.repeat(300));
    }
  });

  test('arrays and numbers of numpy come back, in every protocol', async () => {
    const { folder } = await pickled(
      `{'u': np.arange(256, dtype=np.uint8).reshape(2, 128), 'f': np.asfortranarray(np.arange(6, dtype='<i8').reshape(2, 3)), 's': np.int64(-5), 'r': np.float32(0.5), 'b': b'\\x00\\xff', 'e': b''}`,
    );
    for (const protocol of [0, 1, 2, 3, 4, 5]) {
      const value = readPickle(join(folder, `${protocol}.pkl`)) as Map<string, unknown>;
      const [u, f] = [value.get('u'), value.get('f')] as [NumpyArray, NumpyArray];
      expect(u).toBeInstanceOf(NumpyArray);
      expect([u.shape, u.dtype, u.isFortran]).toEqual([[2, 128], '|u1', false]);
      expect([...(u.data as Uint8Array)]).toEqual(Array.from({ length: 256 }, (_, i) => i));
      expect([f.shape, f.dtype, f.isFortran]).toEqual([[2, 3], '<i8', true]);
      expect([value.get('s'), value.get('r')]).toEqual([-5, 0.5]);
      expect([...(value.get('b') as Uint8Array)]).toEqual([0, 255]);
      expect(value.get('e')).toHaveLength(0);
    }
  });

  test('long bytes stay in the file', async () => {
    const { folder, told } = await madeByPython<string>(`
value = bytes_of(5, 1 << 19)
for protocol in [2, 3, 4, 5]:
    pickle.dump({'data': value, 'after': 7}, open(f'{protocol}.pkl', 'wb'), protocol=protocol)
print(json.dumps(digest(value)))`);
    for (const protocol of [3, 4, 5]) {
      const path = join(folder, `${protocol}.pkl`);
      const value = readPickle(path) as Map<string, unknown>;
      const { data } = value.get('data') as NumpyArray;
      expect(value.get('after')).toBe(7);
      expect(data).toBeInstanceOf(FileBytes);
      const { start, length } = data as FileBytes;
      expect(digest((await readFile(path)).subarray(start, start + length))).toBe(told);
    }
    // Protocol 2 writes bytes as a text, which has to be decoded as a whole.
    const value = readPickle(join(folder, '2.pkl')) as Map<string, unknown>;
    expect(digest((value.get('data') as NumpyArray).data as Uint8Array)).toBe(told);
  });

  test('what Python 2 wrote is read: texts of bytes, numpy under its old names', async () => {
    // As Python 2.7's cPickle writes {'data': np.array([[1, 2]], 'uint8'), 'labels': [6L]} in protocol 2.
    const bytes = Buffer.from(
      '\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\x02tbU\x06labels]q\x08\x8a\x01\x06au.',
      'latin1',
    );
    const path = join(await temporaryFolder(), 'batch');
    await writeFile(path, bytes);
    const value = readPickle(path) as Map<string, unknown>;
    expect(value.get('labels')).toEqual([6]);
    const { shape, dtype, data } = value.get('data') as NumpyArray;
    expect([shape, dtype, [...(data as Uint8Array)]]).toEqual([[1, 2], '|u1', [1, 2]]);
  });
});

describe('what is refused', () => {
  test('a program: nothing of it is executed', async () => {
    const { folder } = await madeByPython(`
class Evil:
    def __reduce__(self):
        return (os.system, (f'touch {folder}/executed',))
for protocol in range(6):
    pickle.dump({'data': Evil()}, open(f'{protocol}.pkl', 'wb'), protocol=protocol)`);
    for (const protocol of [0, 1, 2, 3, 4, 5]) {
      const path = join(folder, `${protocol}.pkl`);
      expect(() => readPickle(path)).toThrow(
        /^Expected a pickle of plain values and numpy arrays in .*, found at byte \d+ a reference to "(posix|nt)\.system", which is not loaded because it could run a program\. Replace the file by a fresh copy\.$/,
      );
      expect(existsSync(join(folder, 'executed'))).toBe(false);
    }
  });

  const cases: [string, string, string][] = [
    ["names of an object's prototype", 'c__proto__\ntoString\n.', 'a reference to "__proto__.toString"'],
    ['a call of what is no function', ']]R.', 'a reference to "a value"'],
    [
      'numpy called as numpy does not',
      'cnumpy.core.multiarray\nscalar\n]R.',
      "a call of numpy.core.multiarray.scalar that is not one of numpy's",
    ],
    ['an instruction for objects', '(i__main__\nX\n.', 'the instruction 0x69'],
    ['a protocol of its own', '\x80\x06N.', 'protocol 6, of which only 0 to 5 are read'],
    ['bytes beside the file', '\x80\x05\x97.', 'the instruction 0x97'],
    ['a web page', '<html>', 'the instruction 0x3c'],
    ['an empty file', '', 'the end of the file at 0 bytes'],
    ['a file cut off', 'X\x10\x00\x00\x00ab', 'the end of the file at 7 bytes'],
    ['a long payload cut off', 'B\x00\x00\x20\x00ab', 'the end of the file at 7 bytes'],
    ['nothing to take', 'a.', 'an instruction that lacks its values'],
    ['nothing to return', '.', 'an instruction that lacks its values'],
    ['nothing to repeat', '2.', 'an instruction that lacks its values'],
    ['no mark', 'l.', 'an instruction that lacks its values'],
    ['nothing to remember', 'q\x00.', 'an instruction that lacks its values'],
    ['a lost reference', 'h\x05.', 'a reference to entry 5, which was not stored'],
    ['items for a list', ']NNs.', 'items for something that is no dict'],
    ['an item for a dict', '}Na.', 'items for something that is no list'],
    ['a state for a list', ']Nb.', 'a state for something that is no array'],
    ['a number that is none', 'Ix\n.', 'the number "x"'],
    ['a text without quotes', 'Sx\n.', 'the text x, which is not in quotes'],
    [
      'an array without sizes',
      'cnumpy.core.multiarray\n_reconstruct\n]R(K\x01Ncnumpy\ndtype\n(U\x02u1lR\x89Ntb.',
      'an array without sizes',
    ],
    [
      'an array without a type',
      'cnumpy.core.numeric\n_frombuffer\n(U\x01xN(K\x01lU\x01ClR.',
      'an array without a type',
    ],
    [
      'an array without bytes',
      'cnumpy.core.multiarray\n_reconstruct\n]R(K\x01]cnumpy\ndtype\n(U\x02u1lR\x89Ntb.',
      'something else where bytes should be',
    ],
    [
      'a number of an unknown type',
      'cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02O8lRU\x01xlR.',
      'a number of the type <O8',
    ],
  ];
  test.each(cases)('%s', async (_, text, found) => {
    const path = join(await temporaryFolder(), 'x.pkl');
    await writeFile(path, Buffer.from(text, 'latin1'));
    expect(() => readPickle(path)).toThrow(found);
  });
});
