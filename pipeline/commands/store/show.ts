/** `pipeline store show`: a picture of training images and all their target gradients. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import { readManifest } from '../../../store/artifacts.ts';
import { makeDirectory, writeFileAtomic } from '../../../store/atomic-file.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { encodePng } from '../../../store/pictures/png.ts';
import { type ShownTargets, scaleOf, targetSheet } from '../../../store/pictures/target-sheet.ts';
import { type GradientReader, openGradientReader } from '../../../store/shards/gradient-reader.ts';
import type { World } from '../../world.ts';
import { findStore, usage } from './find-store.ts';
import type { StoreArguments } from './info.ts';

interface ShowArguments extends StoreArguments {
  file?: string | undefined;
  image?: string | undefined;
}

export async function showCommand(args: ShowArguments, world: World): Promise<void> {
  const { image, runs, json } = args;
  if (image === undefined) {
    throw usage('Expected the number of an image (pipeline store show [STORE] --image 17 [OUT.png]).');
  }
  const { source, file } = storeAndFile(args, image);
  if (existsSync(file))
    throw usage(`Expected to write a new file ${file}, found one there already; name another.`);
  const directory = await findStore(source, runs);
  const reader = await openGradientReader(directory);
  try {
    const { shape, images: count } = reader.info;
    requirePictures(directory, shape);
    const images = numbersOf(image, count);
    const dataset = await datasetOf(directory);
    const shown = await Promise.all(images.map((index) => shownTargets(reader, dataset, index)));
    await makeDirectory(dirname(resolve(file)));
    await writeFileAtomic(file, encodePng(targetSheet(shown, shape)));
    const scale = scaleOf(shape[2]!);
    world.stdout.write(
      json
        ? `${JSON.stringify({ file, images, scale }, null, 2)}\n`
        : `Wrote ${file}: image, then its targets;\n${scale}.\n`,
    );
  } finally {
    await reader.close();
  }
}

/** A single word that ends in .png is the file; without one, the file is named after its images. */
function storeAndFile(
  { source, file }: ShowArguments,
  image: string,
): { source: string | undefined; file: string } {
  if (file === undefined && source !== undefined && isPicture(source))
    return { source: undefined, file: source };
  if (file === undefined) return { source, file: `image-${image.replaceAll(/[\s,]+/g, '-')}.png` };
  if (isPicture(file)) return { source, file };
  throw usage(`Expected a file that ends in .png, got ${file}.`);
}

function isPicture(word: string): boolean {
  return /\.png$/i.test(word);
}

function requirePictures(directory: string, shape: readonly number[]): void {
  if (shape.length === 3) return;
  const message = `Expected gradients of images in ${directory}, found those of points of shape [${shape}]; the report draws them as arrows.`;
  throw new PipelineError('SHAPE_MISMATCH', message);
}

function numbersOf(text: string, count: number): number[] {
  return text.split(',').map((word) => {
    const number = word.trim() === '' ? Number.NaN : Number(word);
    if (Number.isInteger(number) && number >= 0 && number < count) return number;
    throw usage(
      `Expected --image to be a number from 0 to ${count - 1}, or several with commas, got "${text}".`,
    );
  });
}

/** The data set that the store was made from, which its manifest names. */
async function datasetOf(directory: string): Promise<Dataset> {
  const key = (await readManifest(directory))?.inputs.find(({ stage }) => stage === 'dataset')?.key;
  const folder = key === undefined ? null : join(dirname(resolve(directory)), `dataset-${key}`);
  if (folder !== null && existsSync(folder)) return readDataset(folder);
  const found = folder === null ? 'no manifest that names it' : `none at ${folder}`;
  throw new PipelineError(
    'NOT_FOUND',
    `Expected the data set that the gradients of ${directory} belong to, found ${found}; run \`pipeline run precompute\` of the experiment that made them.`,
  );
}

async function shownTargets(
  reader: GradientReader,
  { train, info, size }: Dataset,
  image: number,
): Promise<ShownTargets> {
  const { targets } = reader.info;
  const gradients = new Float32Array(targets * size);
  await reader.read(
    Array.from({ length: targets }, (_, target) => ({ image, target })),
    gradients,
  );
  const classes = await reader.classesOf([image]);
  return {
    caption: `${image}: ${info.classNames[train.labels[image]!]}`,
    image: train.gather([image]),
    captions: Array.from(classes, (index) => `to ${info.classNames[index]}`),
    gradients,
  };
}
