/** SVHN, format 2 (cropped digits), in the official MAT-files: http://ufldl.stanford.edu/housenumbers describes it. */
import { join } from 'node:path';
import { numberedClasses } from '../../schemas/dataset.ts';
import type { DatasetConfig, DatasetEntry, Download } from './catalogue-entry.ts';
import { checkLabels, type DatasetSource, damagedData, type SplitSource } from './dataset-source.ts';
import { type MatVariable, readMatFile } from './mat-file.ts';
import { integerBytes, readIntegers } from './numbers.ts';
import { fromColumnPlanes, joinSplits, recordSplit } from './records.ts';
import { fileSource, requireFiles } from './source-file.ts';

const SIDE = 32;
const IMAGE = 3 * SIDE * SIDE;
const CLASSES = 10;
const FILES = ['train_32x32.mat', 'test_32x32.mat'];
const EXTRA = 'extra_32x32.mat';

/**
 * @param directory folder with train_32x32.mat, test_32x32.mat and, where `dataset.extra` asks for it, extra_32x32.mat
 * @returns images [32, 32, 3]; the extra ones follow the training images
 */
export async function readSvhn(
  directory: string,
  { extra = false }: Pick<DatasetConfig, 'extra'>,
): Promise<DatasetSource> {
  const files = extra ? [...FILES, EXTRA] : FILES;
  await requireFiles('SVHN', directory, files);
  const [train, test, more] = await Promise.all(files.map((name) => readSplit(join(directory, name))));
  return {
    shape: [SIDE, SIDE, 3],
    classNames: numberedClasses(CLASSES),
    train: more === undefined ? train! : joinSplits([train!, more]),
    test: test!,
    sources: await Promise.all(files.map((name) => fileSource(directory, name))),
    provenance: `SVHN house numbers (Netzer et al. 2011), cropped digits${extra ? ', with the extra images' : ''}`,
  };
}

/** X: bytes [32, 32, 3, n]; y: labels [n, 1] from 1 to 10, where 10 stands for the digit 0. */
async function readSplit(path: string): Promise<SplitSource> {
  const variables = await readMatFile(path);
  const [X, y] = [variables.get('X'), variables.get('y')];
  const count = X?.shape[3] ?? 1;
  const form = `[${[SIDE, SIDE, 3, count].join()}]`;
  if (X === undefined || X.dtype !== '<u1' || `[${X.shape.join()}]` !== form || X.bytes !== count * IMAGE) {
    throw damagedData(path, 'bytes X [32,32,3,n]', describe(X));
  }
  const isOfLabels =
    y?.shape.join() === `${count},1` && (y.dtype === '<f8' || integerBytes(y.dtype) !== null);
  if (y === undefined || !isOfLabels) {
    throw damagedData(path, `whole numbers y [${count},1]`, describe(y));
  }
  const labels = await readLabels(path, y, count);
  checkLabels(
    path,
    labels.map((label) => label - 1),
    CLASSES,
    1,
  );
  return recordSplit(
    { path, recordBytes: IMAGE, imageBytes: IMAGE, count, open: X.open, decode: fromColumnPlanes },
    Uint16Array.from(labels, (label) => label % CLASSES),
  );
}

async function readLabels(path: string, y: MatVariable, count: number): Promise<number[]> {
  const stream = await y.open();
  try {
    const bytes = await stream.take(y.bytes);
    await stream.drain();
    if (y.dtype === '<f8') return Array.from({ length: count }, (_, i) => bytes.readDoubleLE(8 * i));
    return readIntegers(bytes, y.dtype);
  } catch (error) {
    throw damagedData(path, `${count} labels`, `that ${(error as Error).message}`, error);
  } finally {
    await stream.close();
  }
}

function describe(variable: MatVariable | undefined): string {
  return variable === undefined ? 'none' : `${variable.dtype} [${variable.shape.join()}]`;
}

const SITE = 'http://ufldl.stanford.edu/housenumbers';

/** Sizes and sha256 as in TensorFlow Datasets' url_checksums/svhn_cropped.txt, md5 as in torchvision's datasets/svhn.py. */
function download(name: string, bytes: number, md5: string, sha256: string): Download {
  return { name, bytes, md5, sha256, urls: [`${SITE}/${name}`], into: 'svhn' };
}

export const svhn: DatasetEntry = {
  name: 'svhn',
  title: 'SVHN, digits of house numbers',
  layouts: [{ folder: 'svhn', files: FILES, optional: [EXTRA], read: readSvhn }],
  downloads: [
    download(
      'train_32x32.mat',
      182_040_794,
      'e26dedcc434d2e4c54c9b2d4a06d8373',
      '435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8',
    ),
    download(
      'test_32x32.mat',
      64_275_384,
      'eb5a983be6a315427106f1b164d9cef3',
      'cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b',
    ),
    download(
      'extra_32x32.mat',
      1_329_278_602,
      'a93ce644f1a588dc4d68dda5feec44a7',
      'a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3',
    ),
  ],
  splits: ['train', 'test'],
};
