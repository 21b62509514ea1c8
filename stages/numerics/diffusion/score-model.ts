/** A trained score model, brought back from its folder: an artifact of the score stage or an imported model. */
import { PipelineError } from '../../../schemas/errors.ts';
import { type ScoreModelDescription, scoreModelSchema } from '../../../schemas/model.ts';
import { readModelDescription, readModelWeights } from '../../../store/model-files.ts';
import { compiled } from '../networks/compiled.ts';
import { makeScoreNetwork } from '../networks/registry.ts';
import { loadParameters } from '../tensor/parameters.ts';
import type { ScoreModel } from './denoise.ts';
import { makePreconditioning } from './preconditioning/registry.ts';

/**
 * Throws `NOT_FOUND`, `DATA_DAMAGED`, `VERSION_NEWER`, `VERSION_OLDER`, and `SHAPE_MISMATCH` where it is a model of
 * other inputs.
 *
 * @param inputs what the model shall take; a model without classes takes any number of them
 */
export async function loadScoreModel(
  directory: string,
  inputs?: { shape: readonly number[]; classNames: readonly string[] },
): Promise<ScoreModel & { description: ScoreModelDescription }> {
  const description = await readModelDescription(directory, scoreModelSchema);
  if (inputs !== undefined) refuseMisfit(directory, description, inputs);
  const { shape, classNames, scale } = description;
  const preconditioning = makePreconditioning(description.preconditioning);
  const { learnsVariance } = preconditioning;
  const network = makeScoreNetwork(description.network, shape, classNames.length, learnsVariance);
  const { flat } = await readModelWeights(directory, network.parameters);
  const parameters = loadParameters(network.parameters, flat);
  return {
    network: compiled(network, parameters),
    parameters,
    scale,
    preconditioning,
    classes: classNames.length,
    description,
  };
}

function refuseMisfit(
  directory: string,
  model: ScoreModelDescription,
  inputs: { shape: readonly number[]; classNames: readonly string[] },
): void {
  const classes = model.classNames.length;
  const fits = classes === 0 || classes === inputs.classNames.length;
  if (fits && model.shape.join() === inputs.shape.join()) return;
  throw new PipelineError(
    'SHAPE_MISMATCH',
    `Expected in ${directory} a score model of inputs [${inputs.shape}] in ${inputs.classNames.length} classes, as the ` +
      `data set has them, found one of inputs [${model.shape}] in ${classes} classes; choose a model of these data.`,
  );
}
