/** CIFAR-10 in the official binary files: https://www.cs.toronto.edu/~kriz/cifar.html describes the format. */
import type { DatasetEntry } from './catalogue-entry.ts';
import { type ByteDataset, type ByteSplit, checkLabels, damagedData, memorySplit } from './dataset-source.ts';
import { beginning, readSources, type SourceFile } from './source-file.ts';

const SIDE = 32;
const CHANNELS = 3;
const PLANE = SIDE * SIDE;
const IMAGE = CHANNELS * PLANE;
/** One byte for the label, then the red, the green and the blue plane. */
const RECORD = 1 + IMAGE;

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

export const CIFAR10_FILES = [
  'data_batch_1.bin',
  'data_batch_2.bin',
  'data_batch_3.bin',
  'data_batch_4.bin',
  'data_batch_5.bin',
  'test_batch.bin',
];

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
  for (const file of files) checkSize(file, files[0]!);
  return {
    shape: [SIDE, SIDE, CHANNELS],
    classNames: [...CLASS_NAMES],
    train: readSplit(files.slice(0, 5)),
    test: readSplit(files.slice(5)),
    sources: files.map(({ source }) => source),
    provenance: 'CIFAR-10 (Krizhevsky 2009), binary layout of the official files',
  };
}

/** All official batches hold equally many images, so a file cut between two records is noticed too. */
function checkSize({ path, bytes }: SourceFile, first: SourceFile): void {
  if (bytes.length === 0 || bytes.length % RECORD !== 0) {
    const found = `${bytes.length} bytes that begin with ${beginning(bytes)}`;
    throw damagedData(path, `records of ${RECORD} bytes`, found);
  }
  if (bytes.length !== first.bytes.length) {
    const expected = `${first.bytes.length / RECORD} images as in ${first.path}`;
    throw damagedData(path, expected, String(bytes.length / RECORD));
  }
}

function readSplit(files: SourceFile[]): ByteSplit {
  const count = files.reduce((sum, { bytes }) => sum + bytes.length / RECORD, 0);
  const images = new Uint8Array(count * IMAGE);
  const labels = new Uint16Array(count);
  let done = 0;
  for (const { path, bytes } of files) {
    const inFile = bytes.length / RECORD;
    for (let i = 0; i < inFile; i++) {
      labels[done + i] = bytes[i * RECORD]!;
      interleave(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), images, (done + i) * IMAGE);
    }
    checkLabels(path, labels.subarray(done, done + inFile), CLASS_NAMES.length);
    done += inFile;
  }
  return memorySplit(images, labels);
}

/** Three planes to pixels of three values. */
function interleave(planes: Uint8Array, out: Uint8Array, offset: number): void {
  for (let pixel = 0; pixel < PLANE; pixel++) {
    const at = offset + CHANNELS * pixel;
    out[at] = planes[pixel]!;
    out[at + 1] = planes[PLANE + pixel]!;
    out[at + 2] = planes[2 * PLANE + pixel]!;
  }
}

export const cifar10: DatasetEntry = {
  name: 'cifar10',
  title: 'CIFAR-10, photographs of ten kinds of things',
  layouts: [{ folder: 'cifar-10-batches-bin', files: CIFAR10_FILES, read: readCifar10 }],
  downloads: [
    {
      name: 'cifar-10-binary.tar.gz',
      bytes: 170_052_171,
      // The md5 is that of the official page, the sha256 that of TensorFlow Datasets' url_checksums/cifar10.txt.
      md5: 'c32a1d4ab5d03f1284b67883e8d87530',
      sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
      urls: ['https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'],
      into: 'cifar-10-batches-bin',
      archive: 'tar.gz',
      strip: 1,
    },
  ],
  splits: ['train', 'test'],
};
