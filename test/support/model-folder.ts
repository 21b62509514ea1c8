/** A model folder with freshly drawn weights, as `pipeline model import` and the train stage leave them. */

import { MODEL_VERSION } from '../../schemas/model.ts';
import type { Normalization } from '../../schemas/network-config.ts';
import { classifierSchema } from '../../schemas/network-config.ts';
import { networkOf } from '../../stages/numerics/networks/trained-classifier.ts';
import { initializeParameters, parameterCount } from '../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { writeModel } from '../../store/model-files.ts';
import { temporaryFolder } from './stage-context.ts';

export interface ModelParts {
  network: object;
  shape: number[];
  classes: number;
  normalization?: Normalization;
  seed?: number;
}

/** Writes the model into a folder of its own, or into the given one. */
export async function modelFolder(parts: ModelParts, directory = temporaryFolder()): Promise<string> {
  const { shape, classes, normalization = { mean: 0, std: 1 }, seed = 0 } = parts;
  const description = {
    network: classifierSchema.parse(parts.network),
    shape,
    normalization,
    classNames: Array.from({ length: classes }, (_, i) => String(i)),
  };
  const { network, layout } = networkOf(description);
  const flat = initializeParameters(layout, randomStream(seed, 'model'));
  const parameters = parameterCount(network.parameters);
  await writeModel(
    directory,
    layout,
    { flat, batchesTracked: () => 7 },
    { ...description, version: MODEL_VERSION, parameters, provenance: {} },
  );
  return directory;
}
