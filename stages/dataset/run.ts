/** Reads the official files of a data set, or draws the toy set, and writes the artifact. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { DatasetInfo, ImageStream } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { type Splits, writeDataset } from '../../store/dataset-artifact.ts';
import type { FileDatasetName } from '../../store/datasets/catalogue-entry.ts';
import type { DatasetSource, SplitSource } from '../../store/datasets/dataset-source.ts';
import { readFiles } from '../../store/datasets/readers.ts';
import { translateReadError } from '../../store/read-error.ts';
import { balance, chosenClasses, first, holdOut, ofClasses, type Selection } from './select.ts';
import { drawToy } from './toy.ts';

type DatasetConfig = ExperimentConfig['dataset'];

export async function runDataset(context: StageContext): Promise<void> {
  try {
    const { info, splits } = await openDataset(context.config.dataset, context.dataDirectory);
    await writeDataset(context.directory, info, splits);
  } catch (error) {
    throw translateReadError(error);
  }
}

/** The splits that the configuration chooses; their images are read when they are asked for. */
export async function openDataset(
  config: DatasetConfig,
  dataDirectory: string | null,
): Promise<{ info: DatasetInfo; splits: Splits }> {
  if (config.name === 'toy') {
    const { info, train, test } = drawToy(config);
    return { info, splits: { train, test } };
  }
  return choose(config.name, await readFiles(config.name, dataDirectory, config), config);
}

/** What of a data set is used; the images are read when they are written. */
function choose(
  name: FileDatasetName,
  source: DatasetSource,
  config: DatasetConfig,
): { info: DatasetInfo; splits: Splits } {
  const classes = chosenClasses(config, source.classNames);
  const classNames = classes.map((label) => source.classNames[label]!);
  const hasRegions = source.region !== undefined;
  const stream = (split: SplitSource, { indices, labels }: Selection): ImageStream => ({
    count: indices.length,
    labels,
    hasRegions,
    blocks: split.read(indices),
  });
  const { train, validation } = chooseTraining(source, classes, classNames, config);
  const test = first(ofClasses(source.test.labels!, classes), config.testImages);
  const splits: Splits = { train: stream(source.train, train), test: stream(source.test, test) };
  if (validation !== null) splits.validation = stream(validation.split, validation.selection);
  const { unlabelledImages = 0 } = config;
  if (unlabelledImages > 0) splits.unlabelled = unlabelled(source, unlabelledImages, config);
  requireImages(splits, config);
  requireEveryClass(train, classNames, config);
  const info: DatasetInfo = {
    name,
    shape: source.shape,
    storage: 'uint8',
    box: [0, 1],
    classNames,
    trainCount: splits.train.labels!.length,
    testCount: splits.test.labels!.length,
    ...(splits.validation === undefined ? {} : { validationCount: splits.validation.labels!.length }),
    ...(splits.unlabelled === undefined ? {} : { unlabelledCount: (splits.unlabelled as ImageStream).count }),
    ...(source.region === undefined ? {} : { region: source.region }),
    // Pictures are summed up as they are read, which is after this and before it is written.
    get sources() {
      return source.sources;
    },
    provenance: source.provenance,
  };
  return { info, splits };
}

/** Training images, and those for validation: held out of them, or the data set's own. */
function chooseTraining(
  source: DatasetSource,
  classes: readonly number[],
  classNames: readonly string[],
  { validation, perClass, trainImages, seed = 0 }: DatasetConfig,
): { train: Selection; validation: { split: SplitSource; selection: Selection } | null } {
  let train = ofClasses(source.train.labels!, classes);
  let heldOut: { split: SplitSource; selection: Selection } | null = null;
  if (validation !== undefined) {
    const parts = holdOut(train, validation, seed);
    train = parts.kept;
    heldOut = { split: source.train, selection: parts.heldOut };
  } else if (source.validation !== undefined) {
    heldOut = { split: source.validation, selection: ofClasses(source.validation.labels!, classes) };
  }
  if (perClass !== undefined) train = balance(train, perClass, seed, classNames);
  return { train: first(train, trainImages), validation: heldOut };
}

function unlabelled(
  { unlabelled: split }: DatasetSource,
  wanted: number,
  { name }: DatasetConfig,
): ImageStream {
  if (split === undefined) {
    const message = `Expected a data set with unlabelled images, as dataset.unlabelledImages asks for them, found ${name}, which has none.`;
    throw new PipelineError('CONFIG_INVALID', message, { place: { stage: 'dataset' } });
  }
  const indices = Uint32Array.from({ length: Math.min(wanted, split.count) }, (_, i) => i);
  return { count: indices.length, labels: null, hasRegions: false, blocks: split.read(indices) };
}

/** Targets point towards every class, so every class must have an image. */
function requireEveryClass(
  { labels }: Selection,
  classNames: string[],
  config: ExperimentConfig['dataset'],
): void {
  const present = new Set(labels);
  const absent = classNames.filter((_, label) => !present.has(label));
  if (absent.length === 0) return;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected training images of every class of ${config.name}, found none of ${absent.join(', ')} among ` +
      (config.trainImages === undefined
        ? `all ${labels.length}; name the classes to be used in dataset.classes.`
        : `the first ${labels.length}; raise dataset.trainImages.`),
    { place: { stage: 'dataset' } },
  );
}

/** Statistics, attacks and pictures need an image. */
function requireImages(splits: Splits, { name }: DatasetConfig): void {
  for (const [label, split] of Object.entries(splits)) {
    if (('count' in split ? split.count : split.labels.length) > 0) continue;
    const message = `Expected at least one image in each split of ${name}, found none in ${label}; add some, or choose other classes in dataset.classes.`;
    throw new PipelineError('CONFIG_INVALID', message, { place: { stage: 'dataset' } });
  }
}
