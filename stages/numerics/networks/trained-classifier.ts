/** A trained classifier, brought back from its folder: an artifact of the train stage or an imported model. */
import { type ClassifierModel, classifierModelSchema } from '../../../schemas/model.ts';
import { type ModelWeights, readModelDescription, readModelWeights } from '../../../store/model-files.ts';
import { loadParameters, type ParameterSpec } from '../tensor/parameters.ts';
import type { tf } from '../tensor/tf.ts';
import type { Classifier } from './network.ts';
import { makeClassifier } from './registry.ts';

/** A network with its weights, as it lies in memory; needs no engine. */
export interface StoredClassifier {
  model: ClassifierModel;
  network: Classifier;
  /** Parameters, then running statistics: the order of the values in `weights.flat`. */
  layout: ParameterSpec[];
  weights: Required<ModelWeights>;
}

/** The network that a description asks for, without weights. */
export function networkOf({
  network,
  shape,
  classNames,
  normalization,
}: Pick<ClassifierModel, 'network' | 'shape' | 'classNames' | 'normalization'>): {
  network: Classifier;
  layout: ParameterSpec[];
} {
  const made = makeClassifier(network, shape, classNames.length, normalization);
  return { network: made, layout: [...made.parameters, ...made.buffers] };
}

/** Throws `NOT_FOUND`, `DATA_DAMAGED`, `VERSION_NEWER`, or `SHAPE_MISMATCH` where the two files do not fit. */
export async function readClassifier(directory: string): Promise<StoredClassifier> {
  const model = await readModelDescription(directory, classifierModelSchema);
  const { network, layout } = networkOf(model);
  return { model, network, layout, weights: await readModelWeights(directory, layout) };
}

/** @returns x [batch, ...shape] -> logits [batch, classes], with the parameters bound */
export async function loadClassifier(directory: string): Promise<(x: tf.Tensor) => tf.Tensor2D> {
  const { network, layout, weights } = await readClassifier(directory);
  const parameters = loadParameters(layout, weights.flat);
  return (x) => network.logits(parameters, x);
}
