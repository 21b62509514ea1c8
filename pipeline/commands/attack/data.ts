/** The data set that `--data` means: a name, a folder with data of one's own, or an experiment file. */
import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { closest } from 'fastest-levenshtein';
import type { ExperimentConfig } from '../../../schemas/config.ts';
import { DATASET_FACTS, inputsOf, PICTURE_DATASETS } from '../../../schemas/dataset-facts.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import type { DatasetEntry } from '../../../store/datasets/catalogue-entry.ts';
import { openOwn } from '../data/import-own.ts';
import { configIn, openConfigured } from '../data/open-dataset.ts';
import { usage } from './numbers.ts';

export interface MeantData {
  /** What a person would call it. */
  name: string;
  /** The section `dataset` of an experiment. */
  section: object;
  dataDirectory: string | null;
}

/** What is known of the test images. */
export interface TestImages {
  shape: readonly number[];
  classes: number;
  count: number;
}

/**
 * @param word `--data`
 * @param shape of the model's inputs, to which pictures of other sizes are brought
 */
export async function meantData(
  word: string | undefined,
  shape: readonly number[],
  catalogue: readonly DatasetEntry[],
  dataDirectory: string | null,
): Promise<MeantData> {
  if (word === undefined) {
    throw usage('Expected --data, the name of a data set (cifar10) or a folder with your own, found none.');
  }
  if (/\.ya?ml$/.test(word)) {
    return { name: basename(word, extname(word)), section: configIn(word), dataDirectory };
  }
  const [height, width, channels] = shape;
  const isResized = height === width && (channels === 1 || channels === 3);
  const resize = isResized ? { size: height, ...(channels === 1 ? { grayscale: true } : {}) } : {};
  const fixed = catalogue.filter(({ layouts }) => layouts[0].folder !== null).map(({ name }): string => name);
  const names = [...fixed, 'toy'];
  if (names.includes(word)) {
    const isPictures = PICTURE_DATASETS.some((name) => name === word);
    return { name: word, section: { name: word, ...(isPictures ? resize : {}) }, dataDirectory };
  }
  if (existsSync(word)) {
    const settings = Object.entries(resize).map(([name, value]) => `${name}=${value}`);
    const own = await openOwn(word, catalogue, settings, dataDirectory);
    return { name: basename(resolve(word)), section: own.dataset, dataDirectory: own.dataDirectory };
  }
  throw new PipelineError(
    'NOT_FOUND',
    `Expected --data to be the name of a data set, a folder with your own or an experiment file (.yaml), got "${word}"; did you mean ${closest(word, names)}? \`pipeline data list\` lists the names.`,
  );
}

/** Looks into the files only where the configuration does not tell. */
export async function testImagesOf(
  config: ExperimentConfig['dataset'],
  dataDirectory: string | null,
): Promise<TestImages> {
  const { shape, classes } = inputsOf(config);
  const count = knownCount(config);
  if (shape !== undefined && classes !== undefined && count !== null) return { shape, classes, count };
  const { info, splits } = await openConfigured(config, dataDirectory);
  return { shape: info.shape, classes: info.classNames.length, count: splits.test!.count };
}

/** Null where it depends on the files. */
function knownCount({ name, classes, testImages, geometry }: ExperimentConfig['dataset']): number | null {
  const all = name === 'toy' ? geometry.testPoints : DATASET_FACTS[name].images?.test;
  if (all === undefined || classes !== undefined) return null;
  return Math.min(all, testImages ?? all);
}
