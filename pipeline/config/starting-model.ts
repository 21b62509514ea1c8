/**
 * Fine-tuning: `train.from` names a model folder, whose network and normalisation become those of the variant. Read
 * before anything runs, so that the plan and the keys know the network, and a misfit is told at once.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { type ClassifierModel, classifierModelSchema } from '../../schemas/model.ts';
import type { Json } from '../../schemas/stage.ts';
import { trainSchema } from '../../schemas/train-config.ts';
import { canonicalJson } from '../../store/content-hash.ts';
import { DESCRIPTION_FILE, parseModelDescription, WEIGHTS_FILE } from '../../store/model-files.ts';
import type { Problem } from './problems.ts';
import { schemaAt } from './schema-tree.ts';
import { type Settings, valueAt } from './settings.ts';

/** Settings with the model that training starts from laid under them; no model where they name none. */
export interface StartedSettings {
  settings: Json;
  model: ClassifierModel | null;
  problems: Problem[];
}

/**
 * @param settings of one variant, before validation
 * @throws PipelineError `DATA_DAMAGED` or `VERSION_NEWER` where `model.json` cannot be used
 */
export function withStartingModel(settings: Json): StartedSettings {
  const from = valueAt(settings, ['train', 'from']);
  if (typeof from !== 'string' || from === '') return { settings, model: null, problems: [] };
  const path = resolve(from, DESCRIPTION_FILE);
  const text = readIfThere(path);
  if (text === null) {
    const expected = `a folder with ${DESCRIPTION_FILE} and ${WEIGHTS_FILE}`;
    const found = `no ${DESCRIPTION_FILE} in ${resolve(from)}`;
    return { settings, model: null, problems: [{ path: ['train', 'from'], expected, found }] };
  }
  const model = parseModelDescription(text, classifierModelSchema, path);
  const { train } = settings as { train: Settings };
  const problems = (['network', 'normalization'] as const).flatMap((key) =>
    differing(train, key, model, from),
  );
  const { network, normalization } = model as unknown as Settings;
  return {
    settings: { ...(settings as Settings), train: { network, normalization, ...train } as Json },
    model,
    problems,
  };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** What is written and is not the model's; what is written wrongly is left to the schema. */
function differing(
  train: Settings,
  key: 'network' | 'normalization',
  model: ClassifierModel,
  from: string,
): Problem[] {
  const given = z.safeParse(schemaAt(trainSchema, [key])!, train[key]);
  if (train[key] === undefined || !given.success) return [];
  const [written, wanted] = [given.data, model[key]].map((value) => canonicalJson(value as Json));
  if (written === wanted) return [];
  const expected = `that of the model in ${from} (${brief(wanted!)}), as train.from is set, or nothing`;
  const isSameKind = brief(written!) === brief(wanted!);
  return [
    {
      path: ['train', key],
      expected,
      found: `${brief(written!)}${isSameKind ? ' with other settings' : ''}`,
    },
  ];
}

/** The kind of a network, whose settings may fill a page; else the whole. */
function brief(json: string): string {
  const { kind } = JSON.parse(json) as { kind?: string };
  return kind ?? json;
}

/**
 * Whether a model is for such data, as far as they are known.
 *
 * @param shape of one input
 */
export function modelMisfits(
  model: ClassifierModel,
  dataset: ExperimentConfig['dataset'],
  { shape, classes }: { shape?: number[]; classes?: number },
): Problem[] {
  const path = ['train', 'from'];
  if (shape !== undefined && shape.join() !== model.shape.join()) {
    const expected = `a model for inputs of shape [${shape.join(', ')}], as ${dataset.name} has`;
    return [{ path, expected, found: `one for [${model.shape.join(', ')}]` }];
  }
  const { length } = model.classNames;
  if (classes === undefined || classes === length) return [];
  return [
    { path, expected: `a model of ${classes} classes, as ${dataset.name} has`, found: `one of ${length}` },
  ];
}
