/** The experiment that `pipeline attack` runs: one data set, one classifier from a folder, and its attacks. */
import { basename, resolve } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { KEEP_NAMES } from '../../../schemas/attack-config.ts';
import { datasetSchema } from '../../../schemas/dataset-config.ts';
import { inputsOf } from '../../../schemas/dataset-facts.ts';
import { loadExperiment } from '../../config/load.ts';
import { findDataDirectory, type Job } from '../../prepare.ts';
import type { World } from '../../world.ts';
import type { AttackArguments } from './arguments.ts';
import { meantData, type TestImages, testImagesOf } from './data.ts';
import { entriesOf, requireSense } from './entries.ts';
import { countOf, distanceOf, seedOf, usage } from './numbers.ts';
import { readVictim, requireFit } from './victim.ts';

/** Longest name of a folder of results, in letters. */
const NAME_LETTERS = 150;

/** Everything that is wrong with the command is told here, before anything runs. */
export async function attackJob(args: AttackArguments, world: World): Promise<Job> {
  const attacks = entriesOf(args);
  const settings = {
    attacks,
    ...(args.n === undefined ? {} : { images: countOf('n', args.n) }),
    ...(args.noise === undefined ? {} : { noise: noiseOf(args.noise) }),
    keep: keepOf(args.keep),
    seed: seedOf(args.seed),
  };
  const model = await readVictim('model', args.model);
  requireSense(attacks, model);
  const other = args.from === undefined ? null : await readVictim('from', args.from);
  const found = findDataDirectory(args['data-folder'], world.environment, '--data-folder');
  const data = await meantData(args.data, model.shape, await world.catalogue(), found);
  const requireFits = (images: Partial<TestImages>) => {
    requireFit('model', args.model!, model, { ...images, name: data.name });
    if (other !== null) requireFit('from', args.from!, other, { ...images, name: data.name });
  };
  const isChanged = args.set.some((setting) => setting.startsWith('dataset'));
  if (!isChanged) requireFits(inputsOf(datasetSchema.parse(data.section)));

  const attack = { model: { model: args.model }, ...settings };
  const written = { name: nameOf(args, data.name), dataset: data.section, attack };
  const source = { name: 'pipeline attack', text: JSON.stringify(written) };
  const experiment = loadExperiment(source, args.set);

  const { dataset } = experiment.variants[0]!.config;
  const images = await testImagesOf(dataset, data.dataDirectory);
  requireFits(images);
  if (args.n !== undefined && args.n > images.count) {
    throw usage(
      `Expected --n to be at most ${images.count}, the test images of ${data.name}, got ${args.n}.`,
    );
  }
  return { experiment, stage: 'attack', endsThere: true, dataDirectory: data.dataDirectory };
}

function noiseOf(text: string): number {
  const deviation = distanceOf(text);
  if (deviation !== null) return deviation;
  throw usage(`Expected --noise to be a number > 0 or a fraction such as 8/255, got "${text}".`);
}

function keepOf(text: string): string {
  if (KEEP_NAMES.some((name) => name === text)) return text;
  const nearest = closest(text, [...KEEP_NAMES]);
  throw usage(`Expected --keep to be ${KEEP_NAMES.join(', ')}, got "${text}"; did you mean ${nearest}?`);
}

/** Names the folder of results; what was attacked, and how, as far as a name can tell. */
function nameOf({ model, attack, norm, eps }: AttackArguments, data: string): string {
  const threat = attack === 'none' ? [] : [norm, eps];
  const parts = ['attack', basename(resolve(model!)), data, attack, ...threat];
  return parts
    .join('-')
    .replace(/[^a-z0-9._-]+/gi, '-')
    .slice(0, NAME_LETTERS);
}
