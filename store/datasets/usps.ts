/**
 * USPS digits in the two files of the LIBSVM data page: one image per line, `label index:value …`, labels 1 to 10
 * for the digits 0 to 9, values in [-1, 1]. They are part of the project, in bundled/usps.
 */
import { fileURLToPath } from 'node:url';
import { numberedClasses } from '../../schemas/dataset.ts';
import type { DatasetEntry } from './catalogue-entry.ts';
import { type ByteDataset, type ByteSplit, checkLabels, damagedData, memorySplit } from './dataset-source.ts';
import { readSources, type SourceFile } from './source-file.ts';

const SIDE = 16;
const PIXELS = SIDE * SIDE;
const CLASSES = 10;

export const USPS_FILES = ['usps.bz2', 'usps.t.bz2'];

/** Folder with the copy that comes with the project. */
export function bundledUspsDirectory(): string {
  return fileURLToPath(new URL('bundled/usps', import.meta.url));
}

/**
 * @param directory folder with usps.bz2 and usps.t.bz2
 * @returns images [16, 16, 1] and labels in the order of the files
 */
export async function readUsps(directory: string): Promise<ByteDataset> {
  const alternatives = USPS_FILES.map((name) => [name]);
  const [train, test] = (await readSources('USPS', directory, alternatives)) as [SourceFile, SourceFile];
  return {
    shape: [SIDE, SIDE, 1],
    classNames: numberedClasses(CLASSES),
    train: readSplit(train),
    test: readSplit(test),
    sources: [train.source, test.source],
    provenance: 'USPS handwritten digits (Hull 1994), files of the LIBSVM data page',
  };
}

function readSplit({ path, bytes }: SourceFile): ByteSplit {
  const lines = bytes.toString('latin1').trimEnd().split('\n');
  const images = new Uint8Array(lines.length * PIXELS);
  const labels = lines.map((line, i) => {
    const [label, ...values] = line.trim().split(/ +/);
    if (values.length !== PIXELS || !/^-?\d+$/.test(label!)) {
      const expected = `a label and ${PIXELS} values in line ${i + 1}`;
      throw damagedData(
        path,
        expected,
        `${values.length + 1} words from ${JSON.stringify(line.slice(0, 20))} on`,
      );
    }
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      images[i * PIXELS + pixel] = byteOf(path, i, pixel, values[pixel]!);
    }
    return Number(label) - 1;
  });
  checkLabels(path, labels, CLASSES, 1);
  return memorySplit(images, Uint16Array.from(labels));
}

/** `index:value` to the byte that torchvision makes of it: ((v + 1) / 2 · 255) in float32, cut off. */
function byteOf(path: string, line: number, pixel: number, text: string): number {
  const colon = text.indexOf(':');
  const value = Number(text.slice(colon + 1));
  if (text.slice(0, colon) !== String(pixel + 1) || text.length === colon + 1 || !(Math.abs(value) <= 1)) {
    const expected = `${pixel + 1}:v with v from -1 to 1 in line ${line + 1}`;
    throw damagedData(path, expected, JSON.stringify(text));
  }
  return Math.fround(Math.fround(Math.fround(value) + 1) * 127.5) | 0;
}

const LIBSVM = 'https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass';

export const usps: DatasetEntry = {
  name: 'usps',
  title: 'USPS, digits from envelopes',
  layouts: [{ folder: 'usps', files: USPS_FILES, read: readUsps }],
  bundled: bundledUspsDirectory(),
  // md5 as in torchvision's datasets/usps.py.
  downloads: [
    {
      name: 'usps.bz2',
      md5: 'ec16c51db3855ca6c91edd34d0e9b197',
      urls: [`${LIBSVM}/usps.bz2`],
      into: 'usps',
    },
    {
      name: 'usps.t.bz2',
      md5: '8ea070ee2aca1ac39742fdd1ef5ed118',
      urls: [`${LIBSVM}/usps.t.bz2`],
      into: 'usps',
    },
  ],
  splits: ['train', 'test'],
};
