/** What both programs train on: a network with its first weights, images, labels and target gradients, in one file. */
import { type ClassifierConfig, classifierSchema } from '../../schemas/network-config.ts';
import { makeClassifier } from '../../stages/numerics/networks/registry.ts';
import { initializeParameters } from '../../stages/numerics/tensor/parameters.ts';
import { type RandomStream, randomStream } from '../../stages/numerics/tensor/random.ts';
import { toStateDict } from '../../store/model-files.ts';
import { writeTensors } from '../../store/tensor-file.ts';

export const SHAPE = [32, 32, 3];
const SIZE = 32 * 32 * 3;
export const CLASSES = 10;
/** Every class is a target of every image. */
export const TARGETS = CLASSES;
/** Weights lie in the file behind this prefix, under PyTorch's names. */
export const MODEL_PREFIX = 'model.';

export const NETWORKS: Record<string, ClassifierConfig> = {
  resnet18: classifierSchema.parse({ kind: 'resnet18' }),
  vit: classifierSchema.parse({ kind: 'vit' }),
};

const SEED = 0;

function normals(random: RandomStream, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Writes x [batch, 32, 32, 3] in [0, 1], labels [batch], gradients [targets, batch, 32, 32, 3] and the weights. */
export async function writeCase(path: string, network: ClassifierConfig, batch: number): Promise<void> {
  const random = randomStream(SEED, 'bench-train-step');
  const { parameters, buffers } = makeClassifier(network, SHAPE, CLASSES);
  const layout = [...parameters, ...buffers];
  const weights = toStateDict(layout, { flat: initializeParameters(layout, random) });
  await writeTensors(path, {
    x: {
      shape: [batch, ...SHAPE],
      data: Float32Array.from({ length: batch * SIZE }, () => random.uniform()),
    },
    labels: { shape: [batch], data: Int32Array.from({ length: batch }, (_, i) => i % CLASSES) },
    gradients: { shape: [TARGETS, batch, ...SHAPE], data: normals(random, TARGETS * batch * SIZE) },
    ...Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [MODEL_PREFIX + name, tensor])),
  });
}
