/** What both programs attack: a model folder, test images with their labels, and a threat model. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClassifierModel, classifierModelSchema, MODEL_VERSION } from '../../schemas/model.ts';
import { classifierSchema } from '../../schemas/network-config.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { networkOf } from '../../stages/numerics/networks/trained-classifier.ts';
import { parameterCount } from '../../stages/numerics/tensor/parameters.ts';
import { viewSplit } from '../../store/dataset-artifact.ts';
import { readCifar10 } from '../../store/datasets/cifar.ts';
import { readMnist } from '../../store/datasets/mnist.ts';
import { fromStateDict, readModelDescription, WEIGHTS_FILE, writeModel } from '../../store/model-files.ts';
import { readTensors, writeTensors } from '../../store/tensor-file.ts';

export const CASE_NAMES = ['mnist', 'resnet18'] as const;
export type CaseName = (typeof CASE_NAMES)[number];

/** Where nothing else is said. */
export const DEFAULTS: Record<CaseName, { images: number; eps: number; data: string }> = {
  mnist: { images: 500, eps: 0.3, data: 'mnist' },
  resnet18: { images: 64, eps: 2 / 255, data: 'cifar-10-batches-bin' },
};

/** The networks of Wong and Kolter 2018, whose published weights are files of their own. */
const PUBLISHED = classifierSchema.parse({
  kind: 'cnn',
  layers: [
    { kind: 'conv', channels: 16, kernel: 4, stride: 2, padding: 1 },
    'relu',
    { kind: 'conv', channels: 32, kernel: 4, stride: 2, padding: 1 },
    'relu',
    'flatten',
    { kind: 'dense', units: 100 },
    'relu',
    'dense',
  ],
});

/** Turns published weights, under PyTorch's names, into a model folder. */
export async function writePublished(weights: string, folder: string): Promise<void> {
  const description = {
    network: PUBLISHED,
    shape: [28, 28, 1],
    normalization: { mean: 0, std: 1 },
    classNames: Array.from({ length: 10 }, (_, i) => String(i)),
  };
  const { network, layout } = networkOf(description);
  const { tensors } = await readTensors(weights);
  const parameters = parameterCount(network.parameters);
  await mkdir(folder, { recursive: true });
  const model = { ...description, version: MODEL_VERSION, parameters, provenance: {} } as const;
  await writeModel(folder, layout, fromStateDict(layout, tensors, weights), model);
}

/** Writes the first test images [images, ...shape] in [0, 1] and their labels. */
export async function writeImages(
  path: string,
  name: CaseName,
  directory: string,
  count: number,
): Promise<void> {
  const { test } = await (name === 'mnist' ? readMnist : readCifar10)(directory);
  const shape = name === 'mnist' ? [28, 28, 1] : [32, 32, 3];
  await writeTensors(path, {
    images: { shape: [count, ...shape], data: viewSplit(test, sizeOf(shape)).slice(0, count) },
    labels: { shape: [count], data: Int32Array.from(test.labels.subarray(0, count)) },
  });
}

/** What PyTorch needs to build the network again, in JSON. */
export async function describe(model: string): Promise<string> {
  const { network, normalization, shape }: ClassifierModel = await readModelDescription(
    model,
    classifierModelSchema,
  );
  return JSON.stringify({ network, normalization, shape, weights: join(model, WEIGHTS_FILE) });
}
