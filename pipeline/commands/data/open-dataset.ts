/** The data set that a word of the command line means, opened as its splits: a name, an artifact or an experiment file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from 'fastest-levenshtein';
import type { ExperimentConfig } from '../../../schemas/config.ts';
import {
  type DatasetInfo,
  type ImageBlock,
  type ImageStream,
  type RawSplit,
  SPLIT_NAMES,
  type SplitName,
} from '../../../schemas/dataset.ts';
import { datasetSchema } from '../../../schemas/dataset-config.ts';
import { PICTURE_DATASETS } from '../../../schemas/dataset-facts.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import { sizeOf } from '../../../schemas/shape.ts';
import { openDataset } from '../../../stages/dataset/run.ts';
import { readDataset, type Split } from '../../../store/dataset-artifact.ts';
import type { DatasetEntry } from '../../../store/datasets/catalogue-entry.ts';
import { placeOf } from '../../../store/datasets/find-datasets.ts';
import { listFolder } from '../../../store/datasets/source-file.ts';
import { loadExperiment } from '../../config/load.ts';
import { readSource } from '../../config/source.ts';

/** Images that are taken from an artifact at once. */
const BLOCK_IMAGES = 1024;
const PICTURE_SIZE = 64;

export interface OpenSplit {
  count: number;
  /** Null where the images have none. */
  labels: Uint16Array | null;
  /** All images in order; to be read once. */
  blocks: AsyncIterable<ImageBlock>;
}

export interface OpenedDataset {
  info: Pick<DatasetInfo, 'name' | 'shape' | 'storage' | 'classNames'>;
  splits: Partial<Record<SplitName, OpenSplit>>;
}

/** @param word as {@link openDataset} of the stage, with what an experiment file would say */
export async function openMeant(
  word: string,
  catalogue: readonly DatasetEntry[],
  dataDirectory: string | null,
): Promise<OpenedDataset> {
  if (existsSync(join(word, 'dataset.json'))) return openArtifact(word);
  if (/\.ya?ml$/.test(word)) return openConfigured(configIn(word), dataDirectory);
  const entry = catalogue.find(({ name }) => name === word);
  if (entry !== undefined) return openEntry(entry, dataDirectory);
  if (word === 'toy') return openConfigured(datasetSchema.parse({ name: 'toy' }), dataDirectory);
  const names = [...catalogue.map(({ name }) => name), 'toy'];
  throw new PipelineError(
    'NOT_FOUND',
    `Expected the name of a data set, an artifact of dataset or an experiment file (.yaml), got "${word}"; did you mean ${closest(word, names)}? \`pipeline data list\` lists the names.`,
  );
}

/** All splits of a data set, as its files have them; pictures of many sizes are brought to {@link PICTURE_SIZE}. */
export async function openEntry(entry: DatasetEntry, dataDirectory: string | null): Promise<OpenedDataset> {
  const { name, layouts, splits } = entry;
  if (layouts[0].folder === null) {
    const message = `Expected an experiment file with the section dataset, got the name ${name}, which does not say where its files are; \`pipeline data import FILES\` prints the section.`;
    throw new PipelineError('USAGE', message);
  }
  const isResized = PICTURE_DATASETS.includes(name);
  const hasUnlabelled = splits.includes('unlabelled') && (await hasOptional(entry, dataDirectory));
  const config = datasetSchema.parse({
    name,
    ...(isResized ? { size: PICTURE_SIZE } : {}),
    ...(hasUnlabelled ? { unlabelledImages: Number.MAX_SAFE_INTEGER } : {}),
  });
  return openConfigured(config, dataDirectory);
}

async function hasOptional(entry: DatasetEntry, dataDirectory: string | null): Promise<boolean> {
  const place = await placeOf(entry, dataDirectory);
  if (place === null) return false;
  const names = await listFolder(place.directory);
  return place.layout.optional?.every((file) => names.includes(file)) ?? true;
}

/** The one data set of an experiment file. */
export function configIn(path: string): ExperimentConfig['dataset'] {
  const { variants } = loadExperiment(readSource({ config: path }));
  const sections = new Set(variants.map(({ config }) => JSON.stringify(config.dataset)));
  if (sections.size === 1) return variants[0]!.config.dataset;
  const message = `Expected one data set in ${path}, found ${sections.size} among its variants; give an artifact of dataset instead (\`pipeline plan\` names them).`;
  throw new PipelineError('USAGE', message);
}

export async function openConfigured(
  config: ExperimentConfig['dataset'],
  dataDirectory: string | null,
): Promise<OpenedDataset> {
  const { info, splits } = await openDataset(config, dataDirectory);
  return { info, splits: mapSplits(splits, asStream) };
}

/** Reads every image; how many each split has. */
export async function readWhole(
  { info, splits }: OpenedDataset,
  tell: (name: string, done: number, total: number) => void,
): Promise<Partial<Record<SplitName, number>>> {
  const images: Partial<Record<SplitName, number>> = {};
  for (const name of SPLIT_NAMES) {
    const split = splits[name];
    if (split === undefined) continue;
    let values = 0;
    for await (const block of split.blocks) {
      values += block.images.length;
      tell(`${info.name} ${name}`, values / sizeOf(info.shape), split.count);
    }
    images[name] = split.count;
  }
  return images;
}

async function openArtifact(directory: string): Promise<OpenedDataset> {
  const { info, size, ...splits } = await readDataset(directory);
  return {
    // Images come in the units of the data.
    info: { ...info, storage: 'float32' },
    splits: mapSplits(splits, (split) => ({
      count: split.count,
      labels: split.labels.length === 0 ? null : split.labels,
      blocks: blocksOf(split),
    })),
  };
}

function mapSplits<T>(
  splits: Partial<Record<SplitName, T>>,
  open: (split: T) => OpenSplit,
): OpenedDataset['splits'] {
  const present = SPLIT_NAMES.flatMap((name) => {
    const split = splits[name];
    return split === undefined ? [] : [[name, open(split)] as const];
  });
  return Object.fromEntries(present);
}

function asStream(split: RawSplit | ImageStream): OpenSplit {
  if ('blocks' in split) return split;
  const { labels, images } = split;
  return { count: labels.length, labels, blocks: once({ images }) };
}

async function* once(block: ImageBlock) {
  yield block;
}

async function* blocksOf(split: Split) {
  for (let first = 0; first < split.count; first += BLOCK_IMAGES) {
    yield { images: split.slice(first, Math.min(BLOCK_IMAGES, split.count - first)) };
  }
}
