/** Reads the official files of a data set, or draws the toy set, and writes the artifact. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { DatasetInfo, RawSplit } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { writeDataset } from '../../store/dataset-artifact.ts';
import type { FileDatasetName } from '../../store/datasets/catalogue-entry.ts';
import { readFiles } from '../../store/datasets/readers.ts';
import { drawToy } from './toy.ts';

interface Loaded {
  info: DatasetInfo;
  train: RawSplit;
  test: RawSplit;
}

export async function runDataset(context: StageContext): Promise<void> {
  const config = context.config.dataset;
  const { info, train, test } =
    config.name === 'toy' ? drawToy(config) : await loadFiles(config.name, config, context.dataDirectory);
  await writeDataset(context.directory, info, train, test);
}

async function loadFiles(
  name: FileDatasetName,
  config: ExperimentConfig['dataset'],
  dataDirectory: string | null,
): Promise<Loaded> {
  const loaded = await readFiles(name, dataDirectory, config);
  const size = loaded.shape.reduce((product, side) => product * side, 1);
  const train = firstImages(loaded.train, size, config.trainImages);
  const test = firstImages(loaded.test, size, config.testImages);
  requireEveryClass(train, loaded.classNames, config);
  const info: DatasetInfo = {
    name,
    shape: loaded.shape,
    storage: loaded.storage,
    box: [0, 1],
    classNames: loaded.classNames,
    trainCount: train.labels.length,
    testCount: test.labels.length,
    sources: loaded.sources,
    provenance: loaded.provenance,
  };
  return { info, train, test };
}

function firstImages({ images, labels }: RawSplit, size: number, wanted: number | undefined): RawSplit {
  if (wanted === undefined || wanted >= labels.length) return { images, labels };
  return { images: images.subarray(0, wanted * size), labels: labels.subarray(0, wanted) };
}

/** Targets point towards every class, so every class must have an image. */
function requireEveryClass(
  { labels }: RawSplit,
  classNames: string[],
  config: ExperimentConfig['dataset'],
): void {
  const present = new Set(labels);
  const absent = classNames.filter((_, label) => !present.has(label));
  if (absent.length === 0) return;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected training images of every class of ${config.name}, found none of ${absent.join(', ')} among the first ` +
      `${labels.length}; raise dataset.trainImages.`,
    { place: { stage: 'dataset' } },
  );
}
