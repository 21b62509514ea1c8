/**
 * MNIST with a distractor (Srinivas, Bordt and Lakkaraju 2023): the digit in one half of an image of 56×28, the letter
 * A, always the same, in the other. Only the digit's half tells the class, so that it is known where a gradient should
 * be. The letter's shape and the places are our own.
 */
import type { ImageBlock } from '../../schemas/dataset.ts';
import { sha256 } from '../content-hash.ts';
import type { DatasetEntry } from './catalogue-entry.ts';
import type { DatasetSource, SplitSource } from './dataset-source.ts';
import { MNIST_FILES, readMnist } from './mnist.ts';

const SIDE = 28;
const HALF = SIDE * SIDE;

const LETTER = [
  '.......####.......',
  '.......####.......',
  '......######......',
  '......##..##......',
  '.....###..###.....',
  '.....##....##.....',
  '....###....###....',
  '....##......##....',
  '....##......##....',
  '...############...',
  '...############...',
  '..###........###..',
  '..##..........##..',
  '.###..........###.',
  '.##............##.',
  '.##............##.',
  '###............###',
  '###............###',
];

/** @returns images [56, 28, 1]; `regions` are the halves with the digit */
export async function readMnistDistractor(directory: string, seed: number): Promise<DatasetSource> {
  const digits = await readMnist(directory);
  return {
    shape: [2 * SIDE, SIDE, 1],
    classNames: digits.classNames,
    train: withDistractor(digits.train, (image) => isBelow(seed, 'train', image)),
    test: withDistractor(digits.test, (image) => isBelow(seed, 'test', image)),
    region: 'half with the digit',
    sources: digits.sources,
    provenance: `${digits.provenance}, each beside the letter A (after Srinivas, Bordt and Lakkaraju 2023)`,
  };
}

/** Whether the digit is in the lower half. */
function isBelow(seed: number, split: string, image: number): boolean {
  return Number.parseInt(sha256(`mnist-distractor ${seed} ${split} ${image}`)[0]!, 16) < 8;
}

function letterImage(): Uint8Array {
  const image = new Uint8Array(HALF);
  const [top, left] = [(SIDE - LETTER.length) / 2, (SIDE - LETTER[0]!.length) / 2];
  for (const [row, line] of LETTER.entries()) {
    for (const [column, ink] of [...line].entries()) {
      if (ink === '#') image[(top + row) * SIDE + left + column] = 255;
    }
  }
  return image;
}

function withDistractor(digits: SplitSource, isBelowFor: (image: number) => boolean): SplitSource {
  const letter = letterImage();
  async function* read(indices: Uint32Array): AsyncGenerator<ImageBlock> {
    let done = 0;
    for await (const { images: digitBlock } of digits.read(indices)) {
      const count = digitBlock.length / HALF;
      const images = new Uint8Array(count * 2 * HALF);
      const regions = new Float32Array(count * 4);
      for (let i = 0; i < count; i++) {
        const below = isBelowFor(indices[done + i]!) ? 1 : 0;
        images.set(digitBlock.subarray(i * HALF, (i + 1) * HALF), (2 * i + below) * HALF);
        images.set(letter, (2 * i + 1 - below) * HALF);
        regions.set([below * SIDE, 0, SIDE, SIDE], 4 * i);
      }
      done += count;
      yield { images, regions };
    }
  }
  return { count: digits.count, labels: digits.labels, read };
}

export const mnistDistractor: DatasetEntry = {
  name: 'mnist-distractor',
  title: 'MNIST digits, each beside the letter A',
  layouts: [
    {
      folder: 'mnist',
      files: MNIST_FILES,
      read: (directory, { seed = 0 }) => readMnistDistractor(directory, seed),
    },
  ],
  downloads: [],
  splits: ['train', 'test'],
  byHand: 'It is made of the files of mnist.',
};
