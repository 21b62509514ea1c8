/**
 * CIFAR-10 and CIFAR-100 in the official files, binary or pickled by Python:
 * https://www.cs.toronto.edu/~kriz/cifar.html describes both formats.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetConfig, DatasetEntry, Download } from './catalogue-entry.ts';
import {
  type ByteDataset,
  type ByteSplit,
  checkLabels,
  type DatasetSource,
  damagedData,
  memorySplit,
} from './dataset-source.ts';
import { type BatchForm, readPickledBatch, textsIn } from './pickled-batch.ts';
import { fromPlanes, joinSplits } from './records.ts';
import { beginning, fileSource, readSources, requireFiles, type SourceFile } from './source-file.ts';

const SIDE = 32;
const SHAPE = [SIDE, SIDE, 3];
const IMAGE = 3 * SIDE * SIDE;

/** In the order of their labels, as in batches.meta.txt. */
const CLASS_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

const BATCHES = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`);
export const CIFAR10_FILES = [...BATCHES, 'test_batch'].map((name) => `${name}.bin`);
const CIFAR10_PICKLES = [...BATCHES, 'test_batch'];
/** Names of fine and coarse classes, one per line, beside the images. */
const NAME_FILES = { fine: 'fine_label_names.txt', coarse: 'coarse_label_names.txt' };
const CLASSES = { fine: 100, coarse: 20 };
const CIFAR100_FILES = ['train.bin', 'test.bin', NAME_FILES.fine, NAME_FILES.coarse];
const CIFAR100_PICKLES = ['train', 'test', 'meta'];

/** A binary record: labels, of which one counts, then the red, the green and the blue plane. */
interface RecordForm {
  labelBytes: number;
  labelAt: number;
  classes: number;
}

/**
 * @param directory folder with the six batches, usually named cifar-10-batches-bin
 * @returns images [32, 32, 3], channels last, in the order of the files
 */
export async function readCifar10(directory: string): Promise<ByteDataset> {
  const files = await readSources(
    'CIFAR-10',
    directory,
    CIFAR10_FILES.map((name) => [name]),
  );
  const form = { labelBytes: 1, labelAt: 0, classes: CLASS_NAMES.length };
  for (const file of files) checkSize(file, files[0]!, form);
  return {
    shape: [...SHAPE],
    classNames: [...CLASS_NAMES],
    train: readSplit(files.slice(0, 5), form),
    test: readSplit(files.slice(5), form),
    sources: files.map(({ source }) => source),
    provenance: 'CIFAR-10 (Krizhevsky 2009), binary layout of the official files',
  };
}

/** @param directory folder with the pickled batches, usually named cifar-10-batches-py */
export async function readPickledCifar10(directory: string): Promise<DatasetSource> {
  await requireFiles('CIFAR-10', directory, CIFAR10_PICKLES);
  const form: BatchForm = { imageBytes: IMAGE, labelKey: 'labels', classes: 10, firstLabel: 0 };
  const batches = CIFAR10_PICKLES.map((name) => readPickledBatch(join(directory, name), form));
  return {
    shape: [...SHAPE],
    classNames: [...CLASS_NAMES],
    train: joinSplits(batches.slice(0, 5)),
    test: batches[5]!,
    sources: await Promise.all(CIFAR10_PICKLES.map((name) => fileSource(directory, name))),
    provenance: 'CIFAR-10 (Krizhevsky 2009), Python pickles of the official files',
  };
}

/** @param directory folder with train.bin, test.bin and the names of the classes, usually named cifar-100-binary */
export async function readCifar100(
  directory: string,
  { labels = 'fine' }: Pick<DatasetConfig, 'labels'>,
): Promise<ByteDataset> {
  const files = await readSources(
    'CIFAR-100',
    directory,
    CIFAR100_FILES.map((name) => [name]),
  );
  const [train, test] = files as [SourceFile, SourceFile];
  const form = { labelBytes: 2, labelAt: labels === 'fine' ? 1 : 0, classes: CLASSES[labels] };
  for (const file of [train, test]) checkSize(file, null, form);
  const path = join(directory, NAME_FILES[labels]);
  const names = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return {
    shape: [...SHAPE],
    classNames: checkNames(
      path,
      names.map((line) => line.trim()),
      labels,
    ),
    train: readSplit([train], form),
    test: readSplit([test], form),
    sources: files.map(({ source }) => source),
    provenance: `CIFAR-100 (Krizhevsky 2009), ${labels} labels, binary layout of the official files`,
  };
}

/** @param directory folder with train, test and meta, usually named cifar-100-python */
export async function readPickledCifar100(
  directory: string,
  { labels = 'fine' }: Pick<DatasetConfig, 'labels'>,
): Promise<DatasetSource> {
  await requireFiles('CIFAR-100', directory, CIFAR100_PICKLES);
  const form: BatchForm = {
    imageBytes: IMAGE,
    labelKey: `${labels}_labels`,
    classes: CLASSES[labels],
    firstLabel: 0,
  };
  const meta = join(directory, 'meta');
  return {
    shape: [...SHAPE],
    classNames: checkNames(meta, textsIn(meta, `${labels}_label_names`), labels),
    train: readPickledBatch(join(directory, 'train'), form),
    test: readPickledBatch(join(directory, 'test'), form),
    sources: await Promise.all(CIFAR100_PICKLES.map((name) => fileSource(directory, name))),
    provenance: `CIFAR-100 (Krizhevsky 2009), ${labels} labels, Python pickles of the official files`,
  };
}

function checkNames(path: string, names: string[], labels: 'fine' | 'coarse'): string[] {
  if (names.length === CLASSES[labels]) return names;
  throw damagedData(path, `names of ${CLASSES[labels]} classes`, String(names.length));
}

/** The official batches of CIFAR-10 hold equally many images, so a file cut between two records is noticed too. */
function checkSize({ path, bytes }: SourceFile, first: SourceFile | null, { labelBytes }: RecordForm): void {
  const record = labelBytes + IMAGE;
  if (bytes.length === 0 || bytes.length % record !== 0) {
    const found = `${bytes.length} bytes that begin with ${beginning(bytes)}`;
    throw damagedData(path, `records of ${record} bytes`, found);
  }
  if (first !== null && bytes.length !== first.bytes.length) {
    const expected = `${first.bytes.length / record} images as in ${first.path}`;
    throw damagedData(path, expected, String(bytes.length / record));
  }
}

function readSplit(files: SourceFile[], { labelBytes, labelAt, classes }: RecordForm): ByteSplit {
  const record = labelBytes + IMAGE;
  const count = files.reduce((sum, { bytes }) => sum + bytes.length / record, 0);
  const images = new Uint8Array(count * IMAGE);
  const labels = new Uint16Array(count);
  let done = 0;
  for (const { path, bytes } of files) {
    const inFile = bytes.length / record;
    for (let i = 0; i < inFile; i++) {
      labels[done + i] = bytes[i * record + labelAt]!;
      const planes = bytes.subarray(i * record + labelBytes, (i + 1) * record);
      fromPlanes(planes, images.subarray((done + i) * IMAGE, (done + i + 1) * IMAGE));
    }
    checkLabels(path, labels.subarray(done, done + inFile), classes);
    done += inFile;
  }
  return memorySplit(images, labels);
}

const SITE = 'https://www.cs.toronto.edu/~kriz';

/**
 * Sizes and sha256 of the binary archives as in TensorFlow Datasets' url_checksums/cifar10.txt and cifar100.txt, sha256 of
 * those of pickles as in Keras' datasets/cifar10.py and cifar100.py, md5 as on the official page. Only the first of each
 * data set is downloaded; the other is for those who have it.
 */
function download(name: string, bytes: number, md5: string, sha256: string, into: string): Download {
  return { name, bytes, md5, sha256, urls: [`${SITE}/${name}`], into, archive: 'tar.gz', strip: 1 };
}

export const cifar10: DatasetEntry = {
  name: 'cifar10',
  title: 'CIFAR-10, photographs of ten kinds of things',
  layouts: [
    { folder: 'cifar-10-batches-bin', files: CIFAR10_FILES, read: readCifar10 },
    { folder: 'cifar-10-batches-py', files: CIFAR10_PICKLES, read: readPickledCifar10 },
  ],
  downloads: [
    download(
      'cifar-10-binary.tar.gz',
      170_052_171,
      'c32a1d4ab5d03f1284b67883e8d87530',
      'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
      'cifar-10-batches-bin',
    ),
    download(
      'cifar-10-python.tar.gz',
      170_498_071,
      'c58f30108f718f92721af3b95e74349a',
      '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',
      'cifar-10-batches-py',
    ),
  ],
  splits: ['train', 'test'],
};

export const cifar100: DatasetEntry = {
  name: 'cifar100',
  title: 'CIFAR-100, photographs of a hundred kinds of things in twenty groups',
  layouts: [
    { folder: 'cifar-100-binary', files: CIFAR100_FILES, read: readCifar100 },
    { folder: 'cifar-100-python', files: CIFAR100_PICKLES, read: readPickledCifar100 },
  ],
  downloads: [
    download(
      'cifar-100-binary.tar.gz',
      168_513_733,
      '03b5dce01913d631647c71ecec9e9cb8',
      '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
      'cifar-100-binary',
    ),
    download(
      'cifar-100-python.tar.gz',
      169_001_437,
      'eb9058c3a382ffc7106e4002c42a8d85',
      '85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7',
      'cifar-100-python',
    ),
  ],
  splits: ['train', 'test'],
};
