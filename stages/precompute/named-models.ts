/** Models that settings of `precompute` name: read, and held against the data and against the plan. */
import { PipelineError } from '../../schemas/errors.ts';
import type { ModelReference } from '../../schemas/precompute-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { plannedModel } from '../../store/model-fingerprint.ts';
import type { ScoreModel } from '../numerics/diffusion/denoise.ts';
import { loadScoreModel } from '../numerics/diffusion/score-model.ts';
import { readClassifier } from '../numerics/networks/trained-classifier.ts';
import { loadParameters, type ParameterSpec } from '../numerics/tensor/parameters.ts';
import { tf } from '../numerics/tensor/tf.ts';

/** x [batch, ...shape] -> [batch, width] */
type Outputs = (x: tf.Tensor) => tf.Tensor2D;

/**
 * A classifier for images of this data set.
 *
 * @param setting name of the setting, for messages
 * @throws PipelineError `CONFIG_INVALID` where it is for other data or has no last dense layer, `DATA_DAMAGED` where its
 *   files have changed since the run was planned, and what {@link readClassifier} throws
 */
export async function readNamedClassifier(
  reference: ModelReference,
  setting: string,
  { info }: Dataset,
): Promise<{ logitsOf: Outputs; featuresOf: () => Outputs }> {
  const directory = await plannedModel(reference.model, reference.fingerprint);
  const { model, network, layout, weights } = await readClassifier(directory);
  const [wanted, found] = [describeInputs(info), describeInputs(model)];
  if (wanted !== found) {
    throw new PipelineError(
      'CONFIG_INVALID',
      `Expected ${setting} to be a classifier for ${wanted}, as the data set ${info.name} has them, found one for ${found} in ${directory}; choose a classifier of these data.`,
    );
  }
  const parameters = loadParameters(layout, weights.flat);
  return {
    logitsOf: (x) => network.logits(parameters, x),
    featuresOf: () => {
      const bare = { ...parameters, ...identityInPlaceOf(network.parameters, directory) };
      return (x) => network.logits(bare, x);
    },
  };
}

/** A score model for images of this data set. Throws what {@link loadScoreModel} throws, and `DATA_DAMAGED`. */
export async function readNamedScoreModel(reference: ModelReference, { info }: Dataset): Promise<ScoreModel> {
  return loadScoreModel(await plannedModel(reference.model, reference.fingerprint), info);
}

function describeInputs({ shape, classNames }: { shape: number[]; classNames: string[] }): string {
  return `inputs [${shape}] in ${classNames.length} classes`;
}

/** The last dense layer as the identity, so that the network gives what enters it. */
function identityInPlaceOf(
  parameters: readonly ParameterSpec[],
  directory: string,
): Record<string, tf.Tensor> {
  const weight = parameters.findLast(({ name }) => name.endsWith('.weight'));
  const bias = parameters.at(-1);
  const isDense = weight?.shape.length === 2 && (bias === weight || bias?.shape.length === 1);
  if (weight === undefined || bias === undefined || !isDense) {
    throw new PipelineError(
      'CONFIG_INVALID',
      `Expected precompute.features.model to be a classifier that ends in a dense layer, found that the one in ${directory} ends in ${weight?.name ?? 'no layer with weights'}; set precompute.features.layer to logits, or choose another classifier.`,
    );
  }
  const [inputs] = weight.shape as [number];
  return {
    [weight.name]: tf.eye(inputs),
    ...(bias === weight ? {} : { [bias.name]: tf.zeros([inputs]) }),
  };
}
