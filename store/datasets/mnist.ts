/** MNIST in the official IDX files: http://yann.lecun.com/exdb/mnist describes the format. */
import { type ByteSplit, checkLabels, damagedData, type LoadedDataset } from './loaded-dataset.ts';
import { beginning, readSources, type SourceFile } from './source-file.ts';

const SIDE = 28;
const CLASSES = 10;
/** Two zeros, the type (8: bytes), the number of dimensions. */
const IMAGES_MAGIC = 0x00000803;
const LABELS_MAGIC = 0x00000801;

export const MNIST_FILES = [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
];

/**
 * @param directory folder with the four files, gzipped as they are distributed or unpacked
 * @returns images [28, 28, 1] and labels in the order of the files
 */
export async function readMnist(directory: string): Promise<LoadedDataset> {
  const alternatives = MNIST_FILES.map((name) => [`${name}.gz`, name]);
  const [trainImages, trainLabels, testImages, testLabels] = (await readSources(
    'MNIST',
    directory,
    alternatives,
  )) as [SourceFile, SourceFile, SourceFile, SourceFile];
  return {
    shape: [SIDE, SIDE, 1],
    storage: 'uint8',
    classNames: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
    train: readSplit(trainImages, trainLabels),
    test: readSplit(testImages, testLabels),
    sources: [trainImages, trainLabels, testImages, testLabels].map(({ source }) => source),
    provenance: 'MNIST handwritten digits (LeCun, Cortes and Burges 1998), IDX layout of the official files',
  };
}

function readSplit(imageFile: SourceFile, labelFile: SourceFile): ByteSplit {
  const images = readIdx(imageFile, IMAGES_MAGIC, [SIDE, SIDE]);
  const labels = readIdx(labelFile, LABELS_MAGIC, []);
  if (labels.length * SIDE * SIDE !== images.length) {
    const expected = `${images.length / SIDE / SIDE} labels, one for each image in ${imageFile.path},`;
    throw damagedData(labelFile.path, expected, String(labels.length));
  }
  checkLabels(labelFile.path, labels, CLASSES);
  return { images, labels: Uint16Array.from(labels) };
}

/** The values of an IDX file of bytes; numbers in its header are big endian. `sides`: dimensions after the first. */
function readIdx({ path, bytes }: SourceFile, magic: number, sides: number[]): Uint8Array {
  const headerBytes = 4 * (2 + sides.length);
  if (bytes.length < headerBytes || bytes.readUInt32BE(0) !== magic) {
    const expected = `an IDX header that begins with bytes ${magic.toString(16).padStart(8, '0')}`;
    throw damagedData(path, expected, `a file that begins with ${beginning(bytes)}`);
  }
  const count = bytes.readUInt32BE(4);
  const found = sides.map((_, i) => bytes.readUInt32BE(8 + 4 * i));
  if (count === 0 || found.join() !== sides.join()) {
    throw damagedData(path, `at least one item of [${sides}] bytes`, `${count} of [${found}]`);
  }
  const size = headerBytes + sides.reduce((product, side) => product * side, count);
  if (bytes.length !== size) {
    throw damagedData(path, `${size} bytes (unpacked) for ${count} items`, `${bytes.length} bytes`);
  }
  return new Uint8Array(bytes.subarray(headerBytes));
}
