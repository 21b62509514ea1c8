/** MNIST and Fashion-MNIST in the official IDX files: http://yann.lecun.com/exdb/mnist describes the format. */
import { numberedClasses } from '../../schemas/dataset.ts';
import type { DatasetEntry, Download } from './catalogue-entry.ts';
import { type ByteDataset, type ByteSplit, checkLabels, damagedData, memorySplit } from './dataset-source.ts';
import { beginning, readSources, type SourceFile } from './source-file.ts';

const SIDE = 28;
const CLASSES = 10;
/** Two zeros, the type (8: bytes), the number of dimensions. */
const IMAGES_MAGIC = 0x00000803;
const LABELS_MAGIC = 0x00000801;

/** In the order of their labels. */
const CLOTHES = [
  'T-shirt/top',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle boot',
];

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
export async function readMnist(directory: string): Promise<ByteDataset> {
  return readIdxFiles(directory, {
    title: 'MNIST',
    classNames: numberedClasses(CLASSES),
    provenance: 'MNIST handwritten digits (LeCun, Cortes and Burges 1998), IDX layout of the official files',
  });
}

/** Fashion-MNIST, in files of the same names and format. */
export async function readFashionMnist(directory: string): Promise<ByteDataset> {
  return readIdxFiles(directory, {
    title: 'Fashion-MNIST',
    classNames: [...CLOTHES],
    provenance: 'Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), IDX layout of the official files',
  });
}

async function readIdxFiles(
  directory: string,
  { title, classNames, provenance }: { title: string; classNames: string[]; provenance: string },
): Promise<ByteDataset> {
  const alternatives = MNIST_FILES.map((name) => [`${name}.gz`, name]);
  const [trainImages, trainLabels, testImages, testLabels] = (await readSources(
    title,
    directory,
    alternatives,
  )) as [SourceFile, SourceFile, SourceFile, SourceFile];
  return {
    shape: [SIDE, SIDE, 1],
    classNames,
    train: readSplit(trainImages, trainLabels),
    test: readSplit(testImages, testLabels),
    sources: [trainImages, trainLabels, testImages, testLabels].map(({ source }) => source),
    provenance,
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
  return memorySplit(images, Uint16Array.from(labels));
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

/** Sizes and sha256 as in TensorFlow Datasets' url_checksums/mnist.txt, md5 as in torchvision's datasets/mnist.py. */
function download(name: string, bytes: number, md5: string, sha256: string): Download {
  const urls = [
    `http://yann.lecun.com/exdb/mnist/${name}`,
    `https://ossci-datasets.s3.amazonaws.com/mnist/${name}`,
    `https://storage.googleapis.com/cvdf-datasets/mnist/${name}`,
  ];
  return { name, bytes, md5, sha256, urls, into: 'mnist' };
}

export const mnist: DatasetEntry = {
  name: 'mnist',
  title: 'MNIST, handwritten digits',
  layouts: [{ folder: 'mnist', files: MNIST_FILES, read: readMnist }],
  downloads: [
    download(
      'train-images-idx3-ubyte.gz',
      9_912_422,
      'f68b3c2dcbeaaa9fbdd348bbdeb94873',
      '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    ),
    download(
      'train-labels-idx1-ubyte.gz',
      28_881,
      'd53e105ee54ea40749a09fcbcd1e9432',
      '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    ),
    download(
      't10k-images-idx3-ubyte.gz',
      1_648_877,
      '9fb629c4189551a2d022fa330f9573f3',
      '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    ),
    download(
      't10k-labels-idx1-ubyte.gz',
      4_542,
      'ec29112dd5afa0611ce80d1b7f02629c',
      'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    ),
  ],
  splits: ['train', 'test'],
};

const FASHION = 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com';

/** Sizes and sha256 as in TensorFlow Datasets' url_checksums/fashion_mnist.txt, md5 as in torchvision's datasets/mnist.py. */
function fashionDownload(name: string, bytes: number, md5: string, sha256: string): Download {
  return { name, bytes, md5, sha256, urls: [`${FASHION}/${name}`], into: 'fashion-mnist' };
}

export const fashionMnist: DatasetEntry = {
  name: 'fashion-mnist',
  title: 'Fashion-MNIST, pieces of clothing',
  layouts: [{ folder: 'fashion-mnist', files: MNIST_FILES, read: readFashionMnist }],
  downloads: [
    fashionDownload(
      'train-images-idx3-ubyte.gz',
      26_421_880,
      '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
      '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
    ),
    fashionDownload(
      'train-labels-idx1-ubyte.gz',
      29_515,
      '25c81989df183df01b3e8a0aad5dffbe',
      'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
    ),
    fashionDownload(
      't10k-images-idx3-ubyte.gz',
      4_422_102,
      'bef4ecab320f06d8554ea6380940ec79',
      '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
    ),
    fashionDownload(
      't10k-labels-idx1-ubyte.gz',
      5_148,
      'bb300cfdad3c16e7a12a480ee83cd310',
      '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
    ),
  ],
  splits: ['train', 'test'],
};
