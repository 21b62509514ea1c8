import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { readParquet } from '../../../store/datasets/parquet.ts';
import { inMemory, wholeSplit } from '../support/in-memory.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { digest, madeByPython } from './python-fixtures.ts';

const configOf = (settings: object) =>
  variantConfigSchema.parse({ dataset: { name: 'parquet', folder: 'x', size: 8, ...settings } }).dataset;

/** As Hugging Face writes them: structs of PNG bytes and a path, class names in the metadata, several files. */
const SETUP = `
import io
import pyarrow as pa, pyarrow.parquet as pq
from PIL import Image
os.makedirs('data', exist_ok=True)
def png(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, 'PNG')
    return out.getvalue()
STRUCT = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
META = {'huggingface': json.dumps({'info': {'features': {'image': {'_type': 'Image'}, 'label': {'names': ['cat', 'dog', 'owl'], '_type': 'ClassLabel'}}}})}
def write(name, images, labels, raw=False, columns=('image', 'label'), meta=META, rows=7, codec='snappy'):
    pngs = [png(image) for image in images]
    column = pa.array(pngs, pa.binary()) if raw else pa.array([{'bytes': b, 'path': None} for b in pngs], STRUCT)
    table = pa.table({'id': list(range(len(labels))), columns[0]: column, columns[1]: labels})
    pq.write_table(table.replace_schema_metadata(meta), name, row_group_size=rows, compression=codec)
`;

test('a data set of Hugging Face in several files and row groups', async () => {
  const { folder, told } = await madeByPython<Record<string, string>>(`${SETUP}
a, b, c, d = bytes_of(20, 8, 8, 3), bytes_of(5, 8, 8, 3), bytes_of(4, 8, 8, 3), bytes_of(3, 8, 8, 3)
write('data/train-00000-of-00002-8d3e.parquet', a, [i % 3 for i in range(20)])
write('data/train-00001-of-00002-8d3e.parquet', b, [2, 2, 2, 1, 0], codec='zstd')
write('data/test-00000-of-00001.parquet', c, [0, 1, 2, 0], codec='gzip')
write('data/validation-00000-of-00001.parquet', d, [0, 1, 2], codec='none')
both = np.concatenate([a, b])
print(json.dumps({'train': digest(both), 'some': digest(both[[0, 8, 19, 22]]), 'test': digest(c), 'validation': digest(d)}))`);
  const source = await readParquet(folder, configOf({}));
  const { train, test: testSplit, shape, classNames, sources } = await inMemory(source);
  expect([shape, classNames, sources.length]).toEqual([[8, 8, 3], ['cat', 'dog', 'owl'], 4]);
  expect([digest(train.images), digest(testSplit.images)]).toEqual([told.train, told.test]);
  expect([...train.labels].slice(18)).toEqual([0, 1, 2, 2, 2, 1, 0]);
  expect(digest((await wholeSplit(source.train, [0, 8, 19, 22])).images)).toBe(told.some);
  expect(digest((await wholeSplit(source.validation!)).images)).toBe(told.validation);
});

describe('one file for each split, with columns of raw bytes', () => {
  const made = (labels: string, more = '') =>
    madeByPython<string>(`${SETUP}
images = bytes_of(4, 8, 8, 3)
write('train.parquet', images, ${labels}, raw=True, columns=('img', 'kind'), meta=None)
write('test.parquet', images, ${labels}, raw=True, columns=('img', 'kind'), meta=None)
${more}
print(json.dumps(digest(images)))`);
  const columns = { label: 'kind' };

  test('numbers without names, columns named in the configuration', async () => {
    const { folder, told } = await made('[0, 1, 3, 0]');
    const { train, classNames } = await inMemory(await readParquet(folder, configOf({ columns })));
    expect([digest(train.images), classNames, [...train.labels]]).toEqual([
      told,
      ['0', '1', '2', '3'],
      [0, 1, 3, 0],
    ]);
  });

  test('texts that are labels', async () => {
    const { folder } = await made("['owl', 'cat', 'owl', 'dog']");
    const { train, classNames } = await inMemory(await readParquet(folder, configOf({ columns })));
    expect([classNames, [...train.labels]]).toEqual([
      ['cat', 'dog', 'owl'],
      [2, 0, 2, 1],
    ]);
  });

  test.each([
    ['a mapping', "{'0': 'left', '1': 'right'}"],
    ['a list', "['left', 'right']"],
  ])('names in the front matter of README.md, as %s', async (_, names) => {
    const readme = `
front = {'dataset_info': {'features': [{'name': 'img', 'dtype': 'image'}, {'name': 'kind', 'dtype': {'class_label': {'names': ${names}}}}]}}
open('README.md', 'w').write('---\\n' + json.dumps(front, indent=1) + '\\n---\\n# Data\\n')`;
    const { folder } = await made('[0, 1, 1, 0]', readme);
    expect((await readParquet(folder, configOf({ columns }))).classNames).toEqual(['left', 'right']);
  });
});

test('hidden files, metadata without names and a README.md without front matter are passed over', async () => {
  const { folder } = await madeByPython(`${SETUP}
for split in ['train', 'test']:
    write(f'{split}.parquet', bytes_of(2, 8, 8, 3), [0, 1], meta={'huggingface': 'null'})
open('._train.parquet', 'w').write('left by another system')
open('README.md', 'w').write('---\\n\\n---\\n')`);
  const { classNames, sources } = await readParquet(folder, configOf({}));
  expect([classNames, sources.length]).toEqual([['0', '1'], 2]);
});

describe('what is wrong', () => {
  const cases: [string, string, string, string][] = [
    [
      'no test file',
      "os.remove('test.parquet')",
      'DATA_MISSING',
      'Expected Parquet files named train… and test… in FOLDER or its folder data, found train.parquet. Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.',
    ],
    [
      'other columns',
      "write('test.parquet', i, [0, 1], columns=('a', 'b'))",
      'DATA_DAMAGED',
      'Expected a Parquet file of images and labels in TEST, found that its columns are id, a, b, without image or img; name it in dataset.columns.image. Replace the file by a fresh copy.',
    ],
    [
      'a label that is no whole number',
      "write('train.parquet', i, [0.0, 1.5], meta=None)",
      'DATA_DAMAGED',
      'Expected labels from 0 to 65535 in TRAIN, found 1.5 for image 1. Replace the file by a fresh copy.',
    ],
    [
      'a label that no class can have',
      "write('train.parquet', i, [0, 2**31], meta=None)",
      'DATA_DAMAGED',
      'Expected labels from 0 to 65535 in TRAIN, found 2147483648 for image 1. Replace the file by a fresh copy.',
    ],
    [
      'metadata that are not as Hugging Face writes them',
      "write('train.parquet', i, [0, 1], meta={'huggingface': '<html>'})",
      'DATA_DAMAGED',
      'Expected JSON as the metadata huggingface in TRAIN, found something else (Unexpected token \'<\', "<html>" is not valid JSON). Replace the file by a fresh copy.',
    ],
    [
      'front matter that is none',
      "write('train.parquet', i, [0, 1], meta=None); open('README.md', 'w').write('---\\na: [1\\n---\\n')",
      'DATA_DAMAGED',
      'Expected YAML between the lines --- in FOLDER/README.md, found something else (Flow sequence in block collection must be sufficiently indented and end with a ] at line 1, column 6:). Replace the file by a fresh copy.',
    ],
    [
      'a part that is missing',
      "write('test-00001-of-00002-8d3e.parquet', i, [0, 1])",
      'DATA_MISSING',
      'Expected all 2 parts of test-00001-of-00002-8d3e.parquet in FOLDER, found no test-00000-of-00002. Put it there.',
    ],
    [
      'an empty file',
      "open('test.parquet', 'w')",
      'DATA_DAMAGED',
      'Expected a Parquet file of images and labels in TEST, found that it has 0 bytes. Replace the file by a fresh copy.',
    ],
    [
      'a missing label',
      "write('test.parquet', i, [0, None])",
      'DATA_DAMAGED',
      'Expected a Parquet file of images and labels in TEST, found that a label is missing. Replace the file by a fresh copy.',
    ],
    [
      'a label beyond the names',
      "write('test.parquet', i, [0, 3])",
      'DATA_DAMAGED',
      'Expected labels from 0 to 2 in TEST, found 3 for image 1. Replace the file by a fresh copy.',
    ],
    [
      'a text that is no class',
      "write('test.parquet', i, ['cat', 'cow'])",
      'DATA_DAMAGED',
      'Expected labels that occur in training in TEST, found "cow" for image 1. Replace the file by a fresh copy.',
    ],
    [
      'a file cut off',
      "write('test.parquet', i, [0, 1]); open('test.parquet', 'r+').truncate(300)",
      'DATA_DAMAGED',
      'Expected a Parquet file of images and labels in TEST, found that parquet file invalid (footer != PAR1). Replace the file by a fresh copy.',
    ],
    [
      'a picture that is none',
      "t = pa.table({'image': [b'x'], 'label': [0]}); pq.write_table(t, 'test.parquet')",
      'DATA_DAMAGED',
      'Expected a picture in TEST, row 0, found a file that cannot be read as one (Input buffer contains unsupported image format). Replace the file by a fresh copy.',
    ],
    [
      'no picture',
      "t = pa.table({'image': pa.array([None], pa.binary()), 'label': [0]}); pq.write_table(t, 'test.parquet')",
      'DATA_DAMAGED',
      'Expected the bytes of a picture in TEST, row 0, found none. Replace the file by a fresh copy.',
    ],
  ];
  test.each(cases)('%s', async (_, script, code, message) => {
    const { folder } = await madeByPython(`${SETUP}
i = bytes_of(2, 8, 8, 3)
write('train.parquet', i, [0, 1])
write('test.parquet', i, [0, 1])
${script}`);
    const expected = message
      .replace('FOLDER', folder)
      .replace('TRAIN', join(folder, 'train.parquet'))
      .replace('TEST', join(folder, 'test.parquet'));
    expect(await thrownBy(readParquet(folder, configOf({})).then(inMemory))).toEqual({
      code,
      message: expected,
    });
  });

  test('a damaged page', async () => {
    const { folder } = await madeByPython(`${SETUP}
for split in ['train', 'test']:
    write(f'{split}.parquet', bytes_of(6, 8, 8, 3), [0, 1, 2, 0, 1, 2])
raw = bytearray(open('test.parquet', 'rb').read())
at = raw.index(b'PNG')
raw[at - 60:at] = b'\\xff' * 60
open('test.parquet', 'wb').write(raw)`);
    const { code, message } = await thrownBy(readParquet(folder, configOf({})).then(inMemory));
    expect(code).toBe('DATA_DAMAGED');
    expect(message).toContain(join(folder, 'test.parquet'));
  });
});
