import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ClassifierModel, classifierModelSchema } from '../../schemas/model.ts';
import {
  batchCounters,
  type ModelLayout,
  readModelDescription,
  readModelWeights,
  writeModel,
} from '../../store/model-files.ts';
import { convolutionLayout, denseLayout } from '../../store/torch-layout.ts';
import { python } from '../support/python.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const layout: ModelLayout = [
  { name: 'conv1.weight', shape: [1, 2, 3, 2], torch: convolutionLayout([1, 2, 3, 2]) },
  { name: 'bn1.weight', shape: [2] },
  { name: 'fc.weight', shape: [8, 2], torch: denseLayout(8, 2, [2, 2, 2]) },
  { name: 'bn1.running_mean', shape: [2] },
];
const flat = Float32Array.from({ length: 12 + 2 + 16 + 2 }, (_, i) => i + 0.5);
const description: ClassifierModel = {
  version: 1,
  network: { kind: 'mlp', hidden: [2] },
  normalization: { mean: [0.1, 0.2, 0.3], std: 1 },
  shape: [2, 2, 3],
  classNames: ['cat', 'dog'],
  parameters: 30,
  provenance: { file: 'x' },
};

async function written(): Promise<string> {
  const folder = await temporaryFolder();
  await writeModel(folder, layout, { flat, batchesTracked: () => 7 }, description);
  return folder;
}

describe('a model folder', () => {
  test('gives back what was written', async () => {
    const folder = await written();
    expect(await readModelDescription(folder, classifierModelSchema)).toEqual(description);
    const weights = await readModelWeights(folder, layout);
    expect(weights.flat).toEqual(flat);
    expect(weights.batchesTracked('bn1.num_batches_tracked')).toBe(7);
    expect(weights.batchesTracked('bn2.num_batches_tracked')).toBe(0);
  });

  test("is read by Python's safetensors with PyTorch's names, shapes, order and counters", async () => {
    const folder = await written();
    const script = `
import json, sys
from safetensors.numpy import load_file
tensors = load_file(sys.argv[1])
print(json.dumps({name: [str(t.dtype), t.shape, t.flatten().tolist()] for name, t in tensors.items()}))`;
    const found = JSON.parse(python(script, [join(folder, 'model.safetensors')]));
    // conv1.weight[o][i][0][w] is value (w·3 + i)·2 + o of ours.
    const convolution = [0, 1].flatMap((o) =>
      [0, 1, 2].flatMap((i) => [0, 1].map((w) => (w * 3 + i) * 2 + o)),
    );
    // fc.weight[o][c·4 + h·2 + w] is value ((h·2 + w)·2 + c)·2 + o of its 16.
    const dense = [0, 1].flatMap((o) =>
      [0, 1].flatMap((c) => [0, 1, 2, 3].map((p) => 14 + (p * 2 + c) * 2 + o)),
    );
    expect(found).toEqual({
      'conv1.weight': ['float32', [2, 3, 1, 2], convolution.map((i) => i + 0.5)],
      'bn1.weight': ['float32', [2], [12.5, 13.5]],
      'fc.weight': ['float32', [2, 8], dense.map((i) => i + 0.5)],
      'bn1.running_mean': ['float32', [2], [30.5, 31.5]],
      'bn1.num_batches_tracked': ['int64', [], [7]],
    });
  });
});

test('each running mean has a counter, also of a norm without a name', () => {
  const named = (name: string) => ({ name, shape: [1] });
  expect(batchCounters(['a.0.running_mean', 'running_mean', 'b.running_var', 'c.weight'].map(named))).toEqual(
    ['a.0.num_batches_tracked', 'num_batches_tracked'],
  );
});

describe('a folder that is no such model', () => {
  test('tells which tensor differs', async () => {
    const folder = await written();
    const path = join(folder, 'model.safetensors');
    const wrong = (entry: ModelLayout[number]) => thrownBy(readModelWeights(folder, [entry]));
    const advice = '; the weights belong to another network, so choose the network they were trained with.';
    expect(await wrong({ name: 'bn1.weight', shape: [3] })).toEqual({
      code: 'SHAPE_MISMATCH',
      message: `Expected tensor bn1.weight of shape [3] and a float type in ${path}, found shape [2]${advice}`,
    });
    expect((await wrong({ name: 'fc9.weight', shape: [3] })).message).toBe(
      `Expected tensor fc9.weight of shape [3] and a float type in ${path}, found no such tensor${advice}`,
    );
    expect((await wrong({ name: 'bn1.num_batches_tracked', shape: [] })).message).toBe(
      `Expected tensor bn1.num_batches_tracked of shape [] and a float type in ${path}, found shape [] of whole numbers${advice}`,
    );
  });

  test.each([
    ['{', 'DATA_DAMAGED', 'text that is no JSON'],
    ['[]', 'DATA_DAMAGED', 'a wrong entry at the top (Invalid input: expected object, received array)'],
    [
      JSON.stringify({ ...description, version: undefined, classes: 10 }),
      'DATA_DAMAGED',
      'a wrong entry at version (Invalid input: expected 1)',
    ],
    [
      JSON.stringify({ ...description, network: { kind: 'mlp', hidden: [0.5] } }),
      'DATA_DAMAGED',
      'a wrong entry at network.hidden.0 (Invalid input: expected int, received number)',
    ],
  ])('tells what is wrong with the description %s', async (text, code, found) => {
    const folder = await written();
    const path = join(folder, 'model.json');
    await writeFile(path, text);
    expect(await thrownBy(readModelDescription(folder, classifierModelSchema))).toEqual({
      code,
      message: `Expected the description of a model in ${path}, found ${found}; the file is damaged or of another kind, so import or train the model again.`,
    });
  });

  test('or was written by a newer release', async () => {
    const folder = await written();
    const path = join(folder, 'model.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"version": 1', '"version": 2'));
    expect(await thrownBy(readModelDescription(folder, classifierModelSchema))).toEqual({
      code: 'VERSION_NEWER',
      message: `Expected a model of version 1 in ${path}, found version 2, which a newer release has written; update this program.`,
    });
  });

  test('or has no description', async () => {
    const folder = await written();
    await rm(join(folder, 'model.json'));
    expect(await thrownBy(readModelDescription(folder, classifierModelSchema))).toEqual({
      code: 'NOT_FOUND',
      message: `Expected a model (model.json and model.safetensors) in ${folder}, found no model.json there; check the path, or make a model with \`pipeline model import\`.`,
    });
  });
});
