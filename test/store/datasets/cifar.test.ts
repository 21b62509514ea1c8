import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../store/content-hash.ts';
import {
  CIFAR10_FILES,
  readCifar10,
  readCifar100,
  readPickledCifar10,
  readPickledCifar100,
} from '../../../store/datasets/cifar.ts';
import { inMemory } from '../support/in-memory.ts';
import { plainPython } from '../support/plain-python.ts';
import { realData } from '../support/real-data.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { digest, madeByPython } from './python-fixtures.ts';

/** One record: the label, then planes of which each pixel's value is plane · 80 + pixel mod 80. */
function record(label: number): Buffer {
  return Buffer.from([
    label,
    ...Array.from({ length: 3072 }, (_, i) => Math.floor(i / 1024) * 80 + (i % 80)),
  ]);
}

async function folderOf(changes: Record<string, Buffer | null> = {}): Promise<string> {
  const folder = await temporaryFolder();
  for (const [i, name] of CIFAR10_FILES.entries()) {
    const bytes = name in changes ? changes[name]! : Buffer.concat([record(i), record(9 - i)]);
    if (bytes !== null) await writeFile(join(folder, name), bytes);
  }
  return folder;
}

test('planes become pixels, and the batches follow each other', async () => {
  const { shape, classNames, train, test: testSplit, sources } = await readCifar10(await folderOf());
  expect(shape).toEqual([32, 32, 3]);
  expect(classNames.length).toBe(10);
  expect([...train.labels]).toEqual([0, 9, 1, 8, 2, 7, 3, 6, 4, 5]);
  expect([...testSplit.labels]).toEqual([5, 4]);
  expect([...train.images.subarray(3072, 3078)]).toEqual(
    [0, 64, 80 + 48, 1, 65, 80 + 49].map((_, i) => record(0)[1 + 1024 * (i % 3) + Math.floor(i / 3)]!),
  );
  expect(train.images.length).toBe(10 * 3072);
  expect(sources.map(({ name }) => name)).toEqual(CIFAR10_FILES);
});

test('missing files are named', async () => {
  const folder = await folderOf({ 'data_batch_3.bin': null });
  expect(await thrownBy(readCifar10(folder))).toEqual({
    code: 'DATA_MISSING',
    message: `Expected the CIFAR-10 files data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, test_batch.bin in ${folder}, found no data_batch_3.bin there. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.`,
  });
});

describe('files that are not what they say', () => {
  const name = 'data_batch_2.bin';
  const cases: [string, Buffer, string][] = [
    [
      'a truncated file',
      Buffer.concat([record(1), record(2)]).subarray(0, 6000),
      'Expected records of 3073 bytes in PATH, found 6000 bytes that begin with bytes 01000102030405060708090a0b0c0d0e.',
    ],
    ['a file cut between records', record(1), 'Expected 2 images as in FIRST in PATH, found 1.'],
    [
      'an empty file',
      Buffer.alloc(0),
      'Expected records of 3073 bytes in PATH, found 0 bytes that begin with bytes none.',
    ],
    [
      'a web page',
      Buffer.from('<html><body>moved'),
      'Expected records of 3073 bytes in PATH, found 17 bytes that begin with "<html><body>move".',
    ],
    [
      'a label out of range',
      Buffer.concat([record(1), record(10)]),
      'Expected labels from 0 to 9 in PATH, found 10 for image 1.',
    ],
  ];

  test.each(cases)('%s', async (_, bytes, message) => {
    const folder = await folderOf({ [name]: bytes });
    const text = message
      .replace('PATH', join(folder, name))
      .replace('FIRST', join(folder, 'data_batch_1.bin'));
    expect(await thrownBy(readCifar10(folder))).toEqual({
      code: 'DATA_DAMAGED',
      message: `${text} Replace the file by a fresh copy.`,
    });
  });
});

const real = realData('cifar-10-batches-bin');
describe.skipIf(!real.isThere)(`the real files${real.note}`, () => {
  test('counts, class names, and every pixel as Python reads it', async () => {
    const { classNames, train, test: testSplit } = await readCifar10(real.path);
    expect([train.labels.length, testSplit.labels.length]).toEqual([50_000, 10_000]);
    const names = await readFile(join(real.path, 'batches.meta.txt'), 'utf8');
    expect(classNames).toEqual(names.trim().split('\n'));
    const script = `
import hashlib, sys
images, labels = hashlib.sha256(), hashlib.sha256()
for path in sys.argv[1:]:
    raw, image = open(path, 'rb').read(), bytearray(3072)
    for at in range(0, len(raw), 3073):
        labels.update(raw[at:at + 1])
        for c in range(3):
            image[c::3] = raw[at + 1 + 1024 * c:at + 1 + 1024 * (c + 1)]
        images.update(image)
print(images.hexdigest(), labels.hexdigest())`;
    const hashes = (files: string[]): string =>
      plainPython(
        script,
        files.map((name) => join(real.path, name)),
      )
        .toString()
        .trim();
    const mine = ({ images, labels }: typeof train): string =>
      `${sha256(images)} ${sha256(Uint8Array.from(labels))}`;
    expect(mine(train)).toBe(hashes(CIFAR10_FILES.slice(0, 5)));
    expect(mine(testSplit)).toBe(hashes(CIFAR10_FILES.slice(5)));
  });
});

/** Both forms of CIFAR-100, and of CIFAR-10's pickles, as the official archives have them; what torchvision makes of them. */
const OFFICIAL = `
def save(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        pickle.dump(value, file, protocol=2)
def told_of(data, labels):
    return {'images': digest(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), 'labels': labels}
told = {}
parts = []
for name in [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']:
    data, labels = bytes_of(2, 3072), rng.integers(0, 10, 2).tolist()
    save(f'cifar-10-batches-py/{name}', {'batch_label': name, 'labels': labels, 'data': data, 'filenames': ['a.png', 'b.png']})
    parts.append((data, labels))
told['ten'] = [told_of(np.concatenate([d for d, _ in parts[:5]]), sum([l for _, l in parts[:5]], [])), told_of(*parts[5])]
told['fine'], told['coarse'] = [], []
names = {'fine': [f'fine{i}' for i in range(100)], 'coarse': [f'coarse{i}' for i in range(20)]}
os.makedirs('cifar-100-binary')
for name, count in [('train', 300), ('test', 3)]:
    data, fine, coarse = bytes_of(count, 3072), rng.integers(0, 100, count).tolist(), rng.integers(0, 20, count).tolist()
    save(f'cifar-100-python/{name}', {'data': data, 'fine_labels': fine, 'coarse_labels': coarse, 'filenames': ['x'] * count})
    np.concatenate([np.array([coarse, fine], dtype=np.uint8).T, data], axis=1).tofile(f'cifar-100-binary/{name}.bin')
    told['fine'].append(told_of(data, fine))
    told['coarse'].append(told_of(data, coarse))
save('cifar-100-python/meta', {f'{k}_label_names': v for k, v in names.items()})
for kind, list_ in names.items():
    open(f'cifar-100-binary/{kind}_label_names.txt', 'w').write(''.join(f'{name}\\n' for name in list_) + '\\n')
print(json.dumps(told))`;

interface Told {
  images: string;
  labels: number[];
}

describe('CIFAR-100, and the archives for Python', () => {
  const made = () => madeByPython<Record<'ten' | 'fine' | 'coarse', [Told, Told]>>(OFFICIAL);
  const toldOf = ({ images, labels }: { images: Uint8Array; labels: Uint16Array }): Told => ({
    images: digest(images),
    labels: [...labels],
  });

  test('give the images and labels that torchvision makes of them', async () => {
    const { folder, told } = await made();
    const ten = await inMemory(await readPickledCifar10(join(folder, 'cifar-10-batches-py')));
    expect([toldOf(ten.train), toldOf(ten.test)]).toEqual(told.ten);
    expect(ten.classNames[9]).toBe('truck');
    for (const labels of ['fine', 'coarse'] as const) {
      const binary = await inMemory(await readCifar100(join(folder, 'cifar-100-binary'), { labels }));
      const python = await inMemory(await readPickledCifar100(join(folder, 'cifar-100-python'), { labels }));
      for (const { train, test: testSplit, classNames } of [binary, python]) {
        expect([toldOf(train), toldOf(testSplit)]).toEqual(told[labels]);
        expect(classNames).toHaveLength(labels === 'fine' ? 100 : 20);
        expect(classNames[19]).toBe(`${labels}19`);
      }
      expect(binary.sources.map(({ name }) => name)).toContain('train.bin');
      expect(python.sources[0]).toMatchObject({ name: 'train' });
    }
  });

  test('what is missing or of another kind is named', async () => {
    const { folder } = await made();
    const pickles = join(folder, 'cifar-100-python');
    expect((await thrownBy(readPickledCifar10(pickles))).message).toContain('found none of them there');
    const names = join(folder, 'cifar-100-binary', 'fine_label_names.txt');
    await writeFile(names, 'one\ntwo\n');
    expect((await thrownBy(readCifar100(join(folder, 'cifar-100-binary'), {}))).message).toBe(
      `Expected names of 100 classes in ${names}, found 2. Replace the file by a fresh copy.`,
    );
    const damage = async (script: string, found: string) => {
      await madeByPython(`pickle.dump(${script}, open('cifar-100-python/train', 'wb'), protocol=2)`, folder);
      const { code, message } = await thrownBy(readPickledCifar100(pickles, {}));
      expect([code, message]).toEqual([
        'DATA_DAMAGED',
        `Expected ${found}. Replace the file by a fresh copy.`,
      ]);
    };
    const train = join(pickles, 'train');
    const data = 'np.zeros((2, 3072), np.uint8)';
    await damage('[1]', `a pickled dict in ${train}, found another value`);
    await damage('{}', `an array data of bytes [images, 3072] in ${train}, found no array`);
    await damage(
      `{'data': np.zeros((3072, 2), np.int16).T}`,
      `an array data of bytes [images, 3072] in ${train}, found <i2 [2, 3072], columns first of 12288 bytes`,
    );
    await damage(`{'data': ${data}}`, `2 numbers as fine_labels in ${train}, found none`);
    await damage(`{'data': ${data}, 'fine_labels': [1]}`, `2 numbers as fine_labels in ${train}, found 1`);
    await damage(
      `{'data': ${data}, 'fine_labels': np.array([1, 100])}`,
      `labels from 0 to 99 in ${train}, found 100 for image 1`,
    );
    await madeByPython(`pickle.dump({}, open('cifar-100-python/meta', 'wb'))`, folder);
    const meta = join(pickles, 'meta');
    expect((await thrownBy(readPickledCifar100(pickles, {}))).message).toBe(
      `Expected a list fine_label_names in ${meta}, found none. Replace the file by a fresh copy.`,
    );
  });
});
