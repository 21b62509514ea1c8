/** The words of the command as settings of the attack stage. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AttackArguments } from '../../../../pipeline/commands/attack/arguments.ts';
import { attackJob } from '../../../../pipeline/commands/attack/experiment.ts';
import { thisWorld } from '../../../../pipeline/world.ts';
import { modelFolder } from '../../../support/model-folder.ts';
import { temporaryFolder } from '../../../support/stage-context.ts';
import { corners, cornersModel } from './fixture.ts';

const world = { ...thisWorld(), environment: {} };

describe('settings of the attack stage', () => {
  let usual: AttackArguments;

  beforeAll(async () => {
    usual = {
      model: await cornersModel(),
      data: await corners(),
      norm: 'Linf',
      eps: '8/255',
      attack: 'standard',
      seed: 0,
      targeted: false,
      minimal: false,
      keep: 'none',
      set: [],
      runs: './runs',
      resume: true,
      json: false,
      quiet: false,
      verbose: false,
    };
  });

  const attackOf = async (args: Partial<AttackArguments>) => {
    const { experiment } = await attackJob({ ...usual, ...args }, world);
    return experiment.variants[0]!.config.attack;
  };
  const entriesOf = async (args: Partial<AttackArguments>) => (await attackOf(args)).attacks;

  it('AutoAttack is the usual one', async () => {
    const { model, attacks, seed, images, keep } = await attackOf({});
    expect(model).toEqual({ model: usual.model });
    expect({ seed, images, keep }).toEqual({ seed: 0, images: undefined, keep: 'none' });
    expect(attacks).toHaveLength(1);
    expect(attacks[0]).toMatchObject({
      method: 'auto-attack',
      version: 'standard',
      norm: 'Linf',
      eps: [8 / 255],
    });
  });

  it('a list of its parts is a cascade, which takes their options', async () => {
    const [entry, ...others] = await entriesOf({ attack: 'apgd-ce,square', queries: 100, steps: 7 });
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      method: 'auto-attack',
      version: 'custom',
      attacks: ['apgd-ce', 'square'],
      queries: 100,
      steps: 7,
    });
  });

  it('other lists are attacks side by side, each with the options that it looks at', async () => {
    const entries = await entriesOf({ attack: 'pgd,square,plus', queries: 50, steps: 7, eps: '0.1,0.2' });
    expect(
      entries.map(({ method, version, steps, queries, eps }) => ({ method, version, steps, queries, eps })),
    ).toEqual([
      { method: 'pgd', version: 'standard', steps: 7, queries: undefined, eps: [0.1, 0.2] },
      { method: 'square', version: 'standard', steps: undefined, queries: 50, eps: [0.1, 0.2] },
      { method: 'auto-attack', version: 'plus', steps: undefined, queries: undefined, eps: [0.1, 0.2] },
    ]);
  });

  it('targets, least perturbations, transfer, noise and what is kept', async () => {
    expect(
      (await entriesOf({ attack: 'pgd,apgd-ce,fgsm', targeted: true })).map(({ targeted }) => targeted),
    ).toEqual([true, false, true]);
    expect(await entriesOf({ attack: 'fab-t', minimal: true, norm: 'L2' })).toMatchObject([
      { method: 'fab-t', minimal: true, norm: 'L2' },
    ]);
    expect(await entriesOf({ attack: 'pgd', from: usual.model })).toMatchObject([
      { from: { model: usual.model } },
    ]);
    expect(await attackOf({ noise: '1/4', keep: 'png', n: 5, seed: 9 })).toMatchObject({
      noise: 0.25,
      keep: 'png',
      images: 5,
      seed: 9,
    });
    expect(await entriesOf({ attack: 'none', eps: undefined })).toEqual([]);
  });

  it('restarts of PGD begin at random points, for from the image itself they would all be the same', async () => {
    const entries = await entriesOf({ attack: 'pgd,apgd-ce', restarts: 3 });
    expect(entries).toMatchObject([
      { method: 'pgd', restarts: 3, randomStart: true },
      { method: 'apgd-ce', restarts: 3, randomStart: false },
    ]);
    expect((await entriesOf({ attack: 'pgd' }))[0]!.randomStart).toBe(false);
  });

  it('anything else by --set', async () => {
    const { certify } = await attackOf({ set: ['attack.certify.sigma=0.5', 'attack.certify.n=200'] });
    expect(certify).toMatchObject({ sigma: 0.5, n: 200 });
  });

  it('a data set by its name', async () => {
    const network = { kind: 'mlp', hidden: [4] };
    const model = await modelFolder({ network, shape: [16, 16, 1], classes: 10 });
    const { experiment, dataDirectory } = await attackJob({ ...usual, model, data: 'usps', n: 2007 }, world);
    expect(experiment.variants[0]!.config.dataset).toMatchObject({ name: 'usps' });
    expect(experiment.name).toBe(`attack-${model.split('/').at(-1)}-usps-standard-Linf-8-255`);
    expect(dataDirectory).toBe(null);
  });

  it('a folder of pictures, brought to the size of the model', async () => {
    const folder = join(temporaryFolder(), 'pets');
    for (const [i, place] of ['train/cat', 'train/dog', 'test/cat', 'test/dog'].entries()) {
      mkdirSync(join(folder, place), { recursive: true });
      const background = { r: 40 * i, g: 0, b: 0 };
      const picture = sharp({ create: { width: 9 + i, height: 8, channels: 3, background } });
      await picture.png().toFile(join(folder, place, '1.png'));
    }
    const model = await modelFolder({ network: { kind: 'mlp', hidden: [4] }, shape: [6, 6, 3], classes: 2 });
    const args = { ...usual, model, data: folder, n: 2, attack: 'pgd' };
    const { experiment, dataDirectory } = await attackJob(args, world);
    expect(experiment.variants[0]!.config.dataset).toMatchObject({ name: 'folder', folder: 'pets', size: 6 });
    expect(dataDirectory).toBe(dirname(folder));
  });

  it('the data set of an experiment file', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'two.yaml');
    writeFileSync(file, 'name: two\ndataset: { name: usps, classes: [3, 8], testImages: 50 }\n');
    const network = { kind: 'mlp', hidden: [4] };
    const model = await modelFolder({ network, shape: [16, 16, 1], classes: 2 });
    const { experiment } = await attackJob({ ...usual, model, data: file, n: 50, attack: 'pgd' }, world);
    expect(experiment.variants[0]!.config.dataset).toMatchObject({ classes: [3, 8], testImages: 50 });
    const tooMany = attackJob({ ...usual, model, data: file, n: 51, attack: 'pgd' }, world);
    await expect(tooMany).rejects.toThrow('Expected --n to be at most 50, the test images of two, got 51.');
  });
});
