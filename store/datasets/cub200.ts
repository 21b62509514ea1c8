/** CUB-200-2011, birds with a box around each: http://www.vision.caltech.edu/datasets/cub_200_2011 describes the files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetConfig, DatasetEntry } from './catalogue-entry.ts';
import { checkLabels, type DatasetSource, damagedData } from './dataset-source.ts';
import { pictureOptions } from './image-folder.ts';
import { type PictureList, PictureSources, pictureShape, pictureSplit } from './pictures.ts';
import { fileSource, requireFiles } from './source-file.ts';

/** Each has lines that begin with the number of an image, or of a class, from 1 on. */
const TABLES = [
  'images.txt',
  'image_class_labels.txt',
  'train_test_split.txt',
  'bounding_boxes.txt',
  'classes.txt',
];

/**
 * @param directory usually named CUB_200_2011
 * @returns images [size, size, 1 or 3] in the order of images.txt, with the boxes of the birds
 */
export async function readCub200(directory: string, config: DatasetConfig): Promise<DatasetSource> {
  await requireFiles('CUB-200-2011', directory, [...TABLES, 'images']);
  const [names, labels, isTraining, boxes, classes] = (await Promise.all(
    TABLES.map((file) => readTable(join(directory, file))),
  )) as [string[][], string[][], string[][], string[][], string[][]];
  for (const [i, table] of [labels, isTraining, boxes].entries()) {
    if (table.length !== names.length) {
      throw damagedData(
        join(directory, TABLES[i + 1]!),
        `${names.length} lines, one for each image`,
        String(table.length),
      );
    }
  }
  requireWords(join(directory, TABLES[2]!), isTraining, /^[01]$/, '1 for training or 0 for test');
  requireWords(join(directory, TABLES[0]!), names, /^(?!\/)(?!.*\.\.(\/|$))/, 'a path below images');
  // From 1 on.
  const numbers = labels.map(([label]) => Number(label) - 1);
  checkLabels(join(directory, TABLES[1]!), numbers, classes.length, 1);
  const options = pictureOptions(config);
  const sources = new PictureSources();
  const split = (wanted: string) => {
    const chosen = [...names.keys()].filter((i) => isTraining[i]![0] === wanted);
    const list: PictureList = {
      files: chosen.map((i) => `images/${names[i]![0]}`),
      labels: Uint16Array.from(chosen, (i) => numbers[i]!),
      boxes: Float32Array.from(chosen.flatMap((i) => boxOf(join(directory, TABLES[3]!), i, boxes[i]!))),
    };
    return pictureSplit(directory, list, options, sources);
  };
  const tables = await Promise.all(TABLES.map((file) => fileSource(directory, file)));
  return {
    shape: pictureShape(options),
    // 001.Black_footed_Albatross
    classNames: classes.map(([name]) => name!.replace(/^\d+\./, '').replaceAll('_', ' ')),
    train: split('1'),
    test: split('0'),
    region: 'bounding box of the bird',
    get sources() {
      return [...tables, ...sources.list()];
    },
    provenance: `CUB-200-2011 birds (Wah et al. 2011), resized to ${options.size}×${options.size}`,
  };
}

/** Throws where the first word of an image is not as it should be. */
function requireWords(path: string, table: string[][], form: RegExp, expected: string): void {
  const wrong = table.findIndex(([word]) => !form.test(word!));
  if (wrong >= 0) {
    throw damagedData(path, `${expected} for image ${wrong + 1}`, JSON.stringify(table[wrong]![0]));
  }
}

/** The words after the number of each line, which must count from 1. */
async function readTable(path: string): Promise<string[][]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) => {
    const [number, ...words] = line.trim().split(/\s+/);
    if (number === String(i + 1) && words.length > 0) return words;
    throw damagedData(
      path,
      `number ${i + 1} and its values in line ${i + 1}`,
      JSON.stringify(line.slice(0, 40)),
    );
  });
}

/** `x y width height` to [top, left, height, width]. */
function boxOf(path: string, image: number, words: string[]): number[] {
  const [x, y, width, height] = words.map(Number);
  if (words.length === 4 && [x, y, width, height].every((value) => value! >= 0)) {
    return [y!, x!, height!, width!];
  }
  throw damagedData(path, `x, y, width and height of image ${image + 1}`, JSON.stringify(words.join(' ')));
}

export const cub200: DatasetEntry = {
  name: 'cub200',
  title: 'CUB-200-2011, two hundred kinds of birds, with boxes',
  layouts: [{ folder: 'CUB_200_2011', files: [...TABLES, 'images'], read: readCub200 }],
  downloads: [
    {
      name: 'CUB_200_2011.tgz',
      bytes: 1_150_585_339,
      // md5 as on the record of the data set at CaltechDATA; size and sha256 as in TensorFlow Datasets'
      // url_checksums/caltech_birds2011.txt.
      md5: '97eceeb196236b17998738112f37df78',
      sha256: '0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081',
      urls: ['https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz'],
      into: 'CUB_200_2011',
      archive: 'tar.gz',
      strip: 1,
    },
  ],
  splits: ['train', 'test'],
};
