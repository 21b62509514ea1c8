/** A trained classifier, brought back from its artifact. */
import type { ClassifierConfig, Normalization } from '../../../schemas/network-config.ts';
import { readModelDescription, readModelParameters } from '../../../store/model-files.ts';
import { loadParameters } from '../tensor/parameters.ts';
import type { tf } from '../tensor/tf.ts';
import { makeClassifier } from './registry.ts';

/** @returns x [batch, ...shape] -> logits [batch, classes], with the parameters bound */
export async function loadClassifier(directory: string): Promise<(x: tf.Tensor) => tf.Tensor2D> {
  const {
    network: config,
    normalization,
    shape,
    classes,
  } = (await readModelDescription(directory)) as unknown as {
    network: ClassifierConfig;
    normalization?: Normalization;
    shape: number[];
    classes: number;
  };
  const network = makeClassifier(config, shape, classes, normalization);
  const layout = [...network.parameters, ...network.buffers];
  const parameters = loadParameters(layout, await readModelParameters(directory, layout));
  return (x) => network.logits(parameters, x);
}
