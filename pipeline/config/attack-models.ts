/** Models that settings of `attack` name: their descriptions are read before anything runs, so that a misfit is told at once. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AttackConfig } from '../../schemas/attack-config.ts';
import { attackMisfits } from '../../schemas/attack-fit.ts';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { inputsOf } from '../../schemas/dataset-facts.ts';
import { type ClassifierModel, classifierModelSchema } from '../../schemas/model.ts';
import { DESCRIPTION_FILE, parseModelDescription, WEIGHTS_FILE } from '../../store/model-files.ts';
import type { Problem } from './problems.ts';

/**
 * What does not go together of models, data and attacks. Which classes are common is told by the stage, which knows the
 * names in the data.
 *
 * @throws PipelineError `DATA_DAMAGED` or `VERSION_NEWER` where a `model.json` cannot be used
 */
export function checkAttackModels(config: ExperimentConfig): Problem[] {
  const { shape } = inputsOf(config.dataset);
  return namedModels(config.attack).flatMap(({ path, reference }): Problem[] => {
    const model = readModel(reference);
    if (model === null) {
      const expected = `a folder with ${DESCRIPTION_FILE} and ${WEIGHTS_FILE}`;
      const found = `no ${DESCRIPTION_FILE} in ${resolve(reference.model)}`;
      return [{ path: [...path, 'model'], expected, found }];
    }
    if (shape !== undefined && shape.join() !== model.shape.join()) {
      const expected = `a model for inputs of shape [${shape.join(', ')}], as ${config.dataset.name} has`;
      return [{ path: [...path, 'model'], expected, found: `one for [${model.shape.join(', ')}]` }];
    }
    return path.at(-1) === 'model' ? misfitsOf(config, model) : [];
  });
}

/** The model that is attacked, where it is named, and those that images are made on, with the settings that name them. */
function namedModels({ model, attacks }: AttackConfig) {
  const victim = model === undefined ? [] : [{ path: ['attack', 'model'], reference: model }];
  const others = attacks.flatMap(({ from }, i) =>
    from === undefined ? [] : [{ path: ['attack', 'attacks', i, 'from'], reference: from }],
  );
  return [...victim, ...others];
}

function readModel({ model }: { model: string }): ClassifierModel | null {
  const path = resolve(model, DESCRIPTION_FILE);
  try {
    return parseModelDescription(readFileSync(path, 'utf8'), classifierModelSchema, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Attacks that cannot be made on the attacked model. */
function misfitsOf({ attack }: ExperimentConfig, { shape, classNames }: ClassifierModel): Problem[] {
  return attack.attacks.flatMap((entry, i) =>
    attackMisfits(entry, { shape, classes: classNames.length }).map((misfit) => ({
      ...misfit,
      path: ['attack', 'attacks', i, ...misfit.path],
    })),
  );
}
