/** Attacks in an experiment file: what goes together, told before anything runs, and models that are named. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../pipeline/config/load.ts';
import { prepare } from '../../../pipeline/prepare.ts';
import { thisWorld } from '../../../pipeline/world.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { temporaryFolder } from '../../support/stage-context.ts';

let model: string;
let two: string;
beforeAll(async () => {
  model = await modelFolder({ network: { kind: 'mlp', hidden: [5] }, shape: [16, 16, 1], classes: 10 });
  two = await modelFolder({ network: { kind: 'mlp', hidden: [5] }, shape: [2], classes: 2 });
});

const linf = { norm: 'Linf', eps: ['8/255'] };
/** Networks for points, where the data are points. */
const POINTS = { score: { kind: 'analytic' }, train: { network: { kind: 'mlp' } } };
const textOf = (attack: object, dataset: { name: string }) =>
  JSON.stringify({ name: 'x', dataset, attack, ...(dataset.name === 'toy' && POINTS) });

/** The lines of the problems. */
function problemsOf(attack: object, dataset = { name: 'usps' }): string[] {
  try {
    loadExperiment({ name: 'x.yaml', text: textOf(attack, dataset) });
    return [];
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim());
  }
}
const problemsWith = (entry: object, dataset?: { name: string }) =>
  problemsOf({ attacks: [{ ...linf, ...entry }] }, dataset);

describe('attacks of an experiment', () => {
  it('are taken where their settings are for them', () => {
    const entries = [
      { method: 'pgd', steps: 7, relativeStep: 2, targeted: true, randomStart: true, restarts: 3 },
      { method: 'pgd', stepSize: '2/255', loss: 'dlr' },
      { method: 'auto-attack' },
      { method: 'auto-attack', version: 'custom', attacks: ['apgd-ce', 'square'], steps: 5, queries: 9 },
      { method: 'fab-t', minimal: true, targets: 9 },
      { method: 'gaussian-noise', restarts: 10 },
      { method: 'fgsm', from: { model } },
    ].map((entry) => ({ ...linf, ...entry }));
    expect(problemsOf({ attacks: entries })).toEqual([]);
    expect(problemsOf({ attacks: [] })).toEqual([]);
    expect(problemsWith({ method: 'fab' }, { name: 'toy' })).toEqual([]);
  });

  it.each([
    [
      { method: 'fgsm', steps: 5 },
      'attacks[0].steps: expected nothing, because steps is for pgd, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, found 5',
    ],
    [
      { method: 'apgd-ce', randomStart: true },
      'attacks[0].randomStart: expected nothing, because randomStart is for pgd, found true',
    ],
    [
      { method: 'square', from: { model: 'm' } },
      'attacks[0].from: expected nothing, because from is for fgsm, pgd, apgd-ce, apgd-dlr, found m',
    ],
    [
      { method: 'auto-attack', queries: 10 },
      'attacks[0].queries: expected nothing, because version standard of auto-attack has its own (version custom takes yours), found 10',
    ],
    [
      { method: 'auto-attack', version: 'custom' },
      'attacks[0].attacks: expected a list of apgd-ce, apgd-dlr, apgd-t, fab, fab-t, square, because version is custom, found nothing',
    ],
    [
      { method: 'auto-attack', attacks: ['fab'] },
      'attacks[0].attacks: expected nothing, because only auto-attack in version custom takes a list, found fab',
    ],
    [
      { method: 'auto-attack', version: 'custom', attacks: ['fab', 'square', 'fab'] },
      'attacks[0].attacks: expected each attack once, found fab twice',
    ],
    [
      { method: 'fab-t', targets: 10 },
      'attacks[0].targets: expected at most 9, as there are 10 classes and the own one is left out, found 10',
    ],
  ])('are refused in %j', (entry, expected) => {
    expect(problemsWith(entry)[0]).toBe(`attack.${expected}`);
  });

  it('of another model are made once, because more often they would not be judged', async () => {
    expect(problemsWith({ method: 'pgd', randomStart: true, restarts: 2, from: { model } })).toEqual([
      'attack.attacks[0].restarts: expected 1, because images made on another model are tried once, found 2',
    ]);
  });

  it('that need images, or more classes than there are, are refused for points', () => {
    const toy = { name: 'toy' };
    expect(problemsWith({ method: 'square' }, toy)).toEqual([
      'attack.attacks[0].method: expected an attack for points, because square is for images, found square',
    ]);
    expect(problemsWith({ method: 'auto-attack' }, toy)).toEqual([
      'attack.attacks[0].method: expected an attack for points, because square is for images (version custom takes a list of those that fit, e.g. apgd-ce and fab), found auto-attack',
      'attack.attacks[0].method: expected an attack for 2 classes, because apgd-t needs 4 (version custom takes a list of those that fit, e.g. apgd-ce and fab), found auto-attack',
    ]);
    expect(problemsWith({ method: 'pgd', loss: 'dlr' }, toy)).toEqual([
      'attack.attacks[0].loss: expected ce or margin, because dlr needs 3 classes and there are 2, found dlr',
    ]);
  });
});

describe('models that attacks name', () => {
  it('are told to be missing, or for other data', () => {
    const nowhere = temporaryFolder();
    expect(problemsOf({ model: { model: nowhere } })).toEqual([
      `attack.model.model: expected a folder with model.json and model.safetensors, found no model.json in ${nowhere}`,
    ]);
    expect(problemsOf({ model: { model: two } })).toEqual([
      'attack.model.model: expected a model for inputs of shape [16, 16, 1], as usps has, found one for [2]',
    ]);
    expect(problemsWith({ method: 'fgsm', from: { model: two } })).toEqual([
      'attack.attacks[0].from.model: expected a model for inputs of shape [16, 16, 1], as usps has, found one for [2]',
    ]);
  });

  it('decide by their classes which attacks there can be', () => {
    const attacks = [{ ...linf, method: 'apgd-t' }];
    expect(problemsOf({ model: { model: two }, attacks }, { name: 'toy' })).toEqual([
      'attack.attacks[0].method: expected an attack for 2 classes, because apgd-t needs 4, found apgd-t',
    ]);
  });

  it('are in the key by their bytes, not by their place; batches and chunks are not', async () => {
    const runs = temporaryFolder();
    const keyOf = async (attack: object) => {
      const config = join(temporaryFolder(), 'x.yaml');
      writeFileSync(config, textOf(attack, { name: 'usps' }));
      const args = { config, set: [], runs, resume: true, json: false, quiet: true, verbose: false };
      const { whole } = await prepare({ ...args, stage: 'attack' }, thisWorld());
      const node = whole.nodes.find(({ stage }) => stage === 'attack')!;
      return { key: node.key, inputs: node.inputs.map(({ stage }) => stage) };
    };
    const copy = temporaryFolder();
    cpSync(model, copy, { recursive: true });
    const first = await keyOf({ model: { model } });
    expect(first.inputs).toEqual(['dataset']);
    expect(await keyOf({ model: { model: copy }, batchSize: 7, chunkImages: 9 })).toEqual(first);
    rmSync(copy, { recursive: true });
    const other = await modelFolder({
      network: { kind: 'mlp', hidden: [5] },
      shape: [16, 16, 1],
      classes: 10,
      seed: 1,
    });
    expect((await keyOf({ model: { model: other } })).key).not.toBe(first.key);
    const transfer = (from: string) => ({ attacks: [{ ...linf, method: 'fgsm', from: { model: from } }] });
    expect((await keyOf(transfer(model))).key).not.toBe((await keyOf(transfer(other))).key);
  });
});
