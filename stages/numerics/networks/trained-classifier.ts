/** A trained classifier, brought back from its artifact. */
import type { ClassifierConfig } from '../../../schemas/config.ts';
import { readModelDescription, readModelParameters } from '../../../store/model-files.ts';
import { loadParameters } from '../tensor/parameters.ts';
import type { tf } from '../tensor/tf.ts';
import { makeClassifier } from './registry.ts';

/** @returns x [batch, ...shape] -> logits [batch, classes], with the parameters bound */
export async function loadClassifier(directory: string): Promise<(x: tf.Tensor) => tf.Tensor2D> {
  const {
    network: config,
    shape,
    classes,
  } = (await readModelDescription(directory)) as unknown as {
    network: ClassifierConfig;
    shape: number[];
    classes: number;
  };
  const network = makeClassifier(config, shape, classes);
  const parameters = loadParameters(
    network.parameters,
    await readModelParameters(directory, network.parameters),
  );
  return (x) => network.logits(parameters, x);
}
