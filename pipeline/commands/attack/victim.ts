/** The classifiers that a command names: that they are there, are classifiers, and are for the data. */
import { join } from 'node:path';
import { numberedClasses } from '../../../schemas/dataset.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import { type ClassifierModel, classifierModelSchema } from '../../../schemas/model.ts';
import { isScoreModel, readModelDescription } from '../../../store/model-files.ts';
import type { TestImages } from './data.ts';
import { usage } from './numbers.ts';

/** @param option that names it: `model`, `from` */
export async function readVictim(option: string, directory: string | undefined): Promise<ClassifierModel> {
  if (directory === undefined) {
    throw usage(
      `Expected --${option}, the folder of a classifier, found none; \`pipeline model import\` makes one.`,
    );
  }
  if (await isScoreModel(directory)) {
    throw new PipelineError(
      'USAGE',
      `Expected --${option} to be a classifier, found a score model in ${directory}, which names no class; give the folder of a classifier.`,
    );
  }
  return readModelDescription(directory, classifierModelSchema);
}

/**
 * As far as the data are known: throws `SHAPE_MISMATCH` where a model is for other inputs, or for another number of classes and has no names for them;
 * with names, those that both have are matched when the attack begins.
 */
export function requireFit(
  option: string,
  directory: string,
  { shape, classNames }: ClassifierModel,
  data: Partial<TestImages> & { name: string },
): void {
  const hasNames = classNames.join('\n') !== numberedClasses(classNames.length).join('\n');
  const wanted = { shape: data.shape?.join('x'), classes: hasNames ? undefined : data.classes };
  const misfits = [
    [`inputs of ${wanted.shape}`, shape.join('x'), wanted.shape],
    [`${wanted.classes} classes`, classNames.length, wanted.classes],
  ] as const;
  const misfit = misfits.find(([, found, expected]) => expected !== undefined && found !== expected);
  if (misfit === undefined) return;
  const [expected, found] = misfit;
  throw new PipelineError(
    'SHAPE_MISMATCH',
    `Expected --${option} to be a model for ${expected}, as ${data.name} has, found one for ${found} in ${join(directory, 'model.json')}; give another model, or the data that it is for.`,
  );
}
