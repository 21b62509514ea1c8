/** `train.from`: network and normalisation come from the model, what differs is refused, and its bytes are in the key. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../pipeline/config/load.ts';
import { prepare } from '../../../pipeline/prepare.ts';
import { resolvedYaml } from '../../../pipeline/results.ts';
import { thisWorld } from '../../../pipeline/world.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { temporaryFolder } from '../../support/stage-context.ts';

const USPS = { network: { kind: 'mlp', hidden: [5] }, shape: [16, 16, 1], classes: 10 };
const HALVES = { mean: 0.5, std: 0.25 };

let model: string;
beforeAll(async () => {
  model = await modelFolder({ ...USPS, normalization: HALVES });
});

const textOf = (train: object, dataset = 'usps') =>
  JSON.stringify({ name: 'x', dataset: { name: dataset }, train });
const load = (train: object, dataset?: string) =>
  loadExperiment({ name: 'x.yaml', text: textOf(train, dataset) });

/** The lines of the problems. */
function problemsOf(train: object, dataset?: string): string[] {
  try {
    load(train, dataset);
    return [];
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim());
  }
}

describe('a training that starts from a model', () => {
  it('has its network and normalisation, also where these are written out', () => {
    const { config } = load({ from: model }).variants[0]!;
    expect(config.train).toMatchObject({ network: { kind: 'mlp', hidden: [5] }, normalization: HALVES });
    const same = { from: model, network: { kind: 'mlp', hidden: [5] }, normalization: HALVES };
    expect(load(same).variants[0]!.config).toEqual(config);
    const again = loadExperiment({ name: 'again', text: resolvedYaml(load({ from: model })) });
    expect(again.variants[0]!.config).toEqual(config);
  });

  it('may start from another model in each variant', async () => {
    const other = await modelFolder({ ...USPS, network: { kind: 'mlp', hidden: [3] } });
    const text = JSON.stringify({
      name: 'x',
      dataset: { name: 'usps' },
      matrix: { 'train.from': [model, other] },
    });
    const networks = loadExperiment({ name: 'x', text }).variants.map(({ config }) => config.train.network);
    expect(networks).toEqual([
      { kind: 'mlp', hidden: [5] },
      { kind: 'mlp', hidden: [3] },
    ]);
  });

  it('refuses another network and another normalisation', () => {
    expect(
      problemsOf({ from: model, network: { kind: 'mlp', hidden: [6] }, normalization: 'dataset' }),
    ).toEqual([
      `train.network: expected that of the model in ${model} (mlp), as train.from is set, or nothing, found mlp with other settings`,
      `train.normalization: expected that of the model in ${model} ({"mean":0.5,"std":0.25}), as train.from is set, or nothing, found "dataset"`,
    ]);
    expect(problemsOf({ from: model, network: { kind: 'resnet18' } })).toEqual([
      `train.network: expected that of the model in ${model} (mlp), as train.from is set, or nothing, found resnet18`,
    ]);
  });

  it('refuses a model for other data', async () => {
    expect(problemsOf({ from: model }, 'mnist')).toEqual([
      'train.from: expected a model for inputs of shape [28, 28, 1], as mnist has, found one for [16, 16, 1]',
    ]);
    const three = await modelFolder({ ...USPS, classes: 3 });
    expect(problemsOf({ from: three })).toEqual([
      'train.from: expected a model of 10 classes, as usps has, found one of 3',
    ]);
  });

  it('refuses a folder that holds no model', () => {
    expect(problemsOf({ from: '/nowhere' })).toEqual([
      'train.from: expected a folder with model.json and model.safetensors, found no model.json in /nowhere',
    ]);
    expect(problemsOf({ from: '' })).toEqual([
      'train.from: expected a text that is not empty, found the text ""',
    ]);
  });
});

describe('the key of such a training', () => {
  const RUNS = '/nowhere';
  async function keysOf(from: string): Promise<string[]> {
    const config = join(temporaryFolder(), 'experiment.yaml');
    writeFileSync(config, textOf({ from, method: 'vanilla' }));
    const args = { stage: 'train', config, set: [], runs: RUNS, resume: true, json: false, quiet: true };
    const { plan } = await prepare({ ...args, verbose: false }, thisWorld());
    return plan.map(({ node }) => node.id);
  }

  it('follows from what the model holds, not from where it lies', async () => {
    const [dataset, train] = await keysOf(model);
    const copy = await modelFolder({ ...USPS, normalization: HALVES });
    expect(await keysOf(copy)).toEqual([dataset, train]);
    await modelFolder({ ...USPS, normalization: HALVES, seed: 1 }, copy);
    const exchanged = await keysOf(copy);
    expect(exchanged[0]).toBe(dataset);
    expect(exchanged[1]).not.toBe(train);
    await modelFolder({ ...USPS, normalization: HALVES }, copy);
    const path = join(copy, 'model.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('0.25', '0.26'));
    expect((await keysOf(copy))[1]).not.toBe(train);
  });

  it('cannot be made where the weights are missing', async () => {
    const folder = await modelFolder(USPS);
    rmSync(join(folder, 'model.safetensors'));
    await expect(keysOf(folder)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `Expected a model (model.json and model.safetensors) in ${folder}, found no model.safetensors there; check the path.`,
    });
  });
});
