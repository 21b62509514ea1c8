/** What is attacked: a classifier, and the test images whose classes it knows. */
import { attackMisfits } from '../../schemas/attack-fit.ts';
import { PipelineError } from '../../schemas/errors.ts';
import type { ClassifierModel } from '../../schemas/model.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { type Dataset, readDataset } from '../../store/dataset-artifact.ts';
import { modelFingerprint, plannedModel } from '../../store/model-fingerprint.ts';
import { type LogitsOf, makeOracle, type Oracle } from '../numerics/attacks/oracle.ts';
import { readClassifier } from '../numerics/networks/trained-classifier.ts';
import { inputOf } from '../numerics/running.ts';
import { loadParameters } from '../numerics/tensor/parameters.ts';
import { matchClasses, UNKNOWN } from './class-map.ts';

/** A classifier that can be asked. */
export interface Asked {
  model: ClassifierModel;
  /** Checksum of its folder. */
  fingerprint: string;
  logitsOf: LogitsOf;
  oracle: Oracle;
}

/** Test images, by position. */
export interface Images {
  count: number;
  /** Place of each in the test split. */
  indices: number[];
  /** True class of each, as the victim counts classes. */
  labels: Uint16Array;
  /** The image at a position, [size]. */
  at(position: number): Float32Array;
}

export interface Victim extends Asked {
  dataset: Dataset;
  images: Images;
  /** Names of the classes that model and data have in common, where those of the data are not all known. */
  common: string[] | null;
  seed: number;
  batchSize: number;
  /** Deviation of the noise that the classifier adds to its input; undefined where it adds none. */
  noise: number | undefined;
}

/**
 * The classifier that the configuration says, and its images.
 *
 * @throws PipelineError `CONFIG_INVALID` where model, data and attacks do not fit
 */
export async function openVictim(context: StageContext): Promise<Victim> {
  const config = context.config.attack;
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  const directory =
    config.model === undefined
      ? inputOf(context, 'train').directory
      : await plannedModel(config.model.model, config.model.fingerprint);
  const asked = await openModel(directory, 'attack.model', dataset);
  requireFit(context, asked.model, dataset);
  const { info, test } = dataset;
  const toModel = matchClasses(
    { owner: `the data set ${info.name}`, classNames: info.classNames },
    { owner: `the model in ${directory}`, classNames: asked.model.classNames },
  );
  const known = Array.from({ length: test.count }, (_, i) => i).filter(
    (i) => toModel[test.labels[i]!] !== UNKNOWN,
  );
  const indices = known.slice(0, config.images ?? known.length);
  const common = info.classNames.filter((_, i) => toModel[i] !== UNKNOWN);
  return {
    ...asked,
    dataset,
    images: {
      count: indices.length,
      indices,
      labels: Uint16Array.from(indices, (i) => toModel[test.labels[i]!]!),
      at(position) {
        const image = new Float32Array(dataset.size);
        test.copyImage(indices[position]!, image, 0);
        return image;
      },
    },
    common: common.length === info.classNames.length ? null : common,
    seed: config.seed ?? 0,
    batchSize: config.batchSize,
    noise: config.noise,
  };
}

/** Another classifier of the same data, and the class of it that each class of the victim is. */
export interface Surrogate extends Asked {
  fromVictim: number[];
}

/** @throws PipelineError `CONFIG_INVALID` where it is for other data than the victim */
export async function openSurrogate(
  reference: { model: string; fingerprint?: string | undefined },
  setting: string,
  victim: Victim,
): Promise<Surrogate> {
  const directory = await plannedModel(reference.model, reference.fingerprint);
  const asked = await openModel(directory, setting, victim.dataset);
  const fromVictim = matchClasses(
    { owner: 'the attacked model', classNames: victim.model.classNames },
    { owner: `the model in ${directory}`, classNames: asked.model.classNames },
  );
  const missing = victim.images.labels.find((label) => fromVictim[label] === UNKNOWN);
  if (missing === undefined) return { ...asked, fromVictim };
  const name = victim.model.classNames[missing];
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected ${setting} to be a classifier that knows every class that is attacked, found none for ${name} in ${directory}; choose a model of these classes.`,
  );
}

async function openModel(directory: string, setting: string, { info }: Dataset): Promise<Asked> {
  const { model, network, layout, weights } = await readClassifier(directory);
  if (model.shape.join() !== info.shape.join()) {
    throw new PipelineError(
      'CONFIG_INVALID',
      `Expected ${setting} to be a classifier for inputs of shape [${info.shape}], as the data set ${info.name} has, found one for [${model.shape}] in ${directory}; choose a model of such inputs.`,
    );
  }
  const parameters = loadParameters(layout, weights.flat);
  const logitsOf: LogitsOf = (x) => network.logits(parameters, x);
  return {
    model,
    fingerprint: await modelFingerprint(directory),
    logitsOf,
    oracle: makeOracle(logitsOf, info.shape, model.classNames.length),
  };
}

/** What could not be told before the run, as classes and shape were not known. */
function requireFit({ config }: StageContext, { classNames }: ClassifierModel, { info }: Dataset): void {
  const facts = { shape: info.shape, classes: classNames.length };
  for (const [i, entry] of config.attack.attacks.entries()) {
    const [misfit] = attackMisfits(entry, facts);
    if (misfit === undefined) continue;
    const setting = ['attack', `attacks[${i}]`, ...misfit.path].join('.');
    throw new PipelineError(
      'CONFIG_INVALID',
      `Expected ${setting} to be ${misfit.expected}, found ${misfit.found}; correct that setting.`,
    );
  }
}
