/** What is attacked: another model, a randomised one, one that knows other classes; and images made on another model. */
import '../../support/engine.ts';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AttackSummary } from '../../../schemas/attack-results.ts';
import { runAttack } from '../../../stages/attack/run.ts';
import { readTable } from '../../../store/tables.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { datasetArtifact, temporaryFolder } from '../../support/stage-context.ts';
import { attackContext, CLASSES, SHAPE, type SmallWorld, smallModel, smallWorld } from './small-world.ts';

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});

const pgd = { method: 'pgd', norm: 'Linf', eps: [0.04], steps: 5 };

async function attacked(attack: object, on = world) {
  const context = attackContext(on, attack);
  await runAttack(context);
  const summary = JSON.parse(readFileSync(join(context.directory, 'attack.json'), 'utf8')) as AttackSummary;
  return { context, summary, rows: await readTable(join(context.directory, 'images.parquet')) };
}

/** The model under other names of its classes, which may be in another order. */
function renamed(classNames: string[], model = world.model): string {
  const folder = temporaryFolder();
  cpSync(model, folder, { recursive: true });
  const path = join(folder, 'model.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), classNames }));
  return folder;
}

/** The data set under other names of its classes. */
function relabelled(classNames: string[]): SmallWorld {
  const folder = temporaryFolder();
  cpSync(world.dataset, folder, { recursive: true });
  const path = join(folder, 'dataset.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), classNames }));
  return { ...world, dataset: folder };
}

/** Names of which that of a class with many images is exchanged. */
const without = (names: string[]) => names.map((name, i) => (i === world.labels[10] ? 'monkey' : name));

describe('a model that is named', () => {
  it('is attacked in place of the trained one, with the same figures where it is the same', async () => {
    const trained = await attacked({ attacks: [pgd] });
    const named = await attacked({ attacks: [pgd], model: { model: world.model } });
    expect(named.rows).toEqual(trained.rows);
  });

  it('is refused where it is for other inputs', async () => {
    const model = await modelFolder({
      network: { kind: 'mlp', hidden: [3] },
      shape: [5, 6, 1],
      classes: CLASSES,
    });
    await expect(attacked({ attacks: [pgd], model: { model } })).rejects.toThrow(
      `Expected attack.model to be a classifier for inputs of shape [6,6,1], as the data set made has, found one for [5,6,1] in ${model}; choose a model of such inputs.`,
    );
  });

  it('is refused where its classes are too few for an attack', async () => {
    const model = await modelFolder({ network: { kind: 'mlp', hidden: [3] }, shape: SHAPE, classes: 3 });
    const apgdT = { method: 'apgd-t', norm: 'Linf', eps: [0.1] };
    await expect(attacked({ attacks: [apgdT], model: { model } })).rejects.toThrow(
      'Expected attack.attacks[0].method to be an attack for 3 classes, because apgd-t needs 4, found apgd-t; correct that setting.',
    );
  });

  it('is refused where it has changed since the run was planned', async () => {
    await expect(
      attacked({ attacks: [pgd], model: { model: world.model, fingerprint: '0123456789abcdef' } }),
    ).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });
});

describe('classes of model and data', () => {
  const names = ['ant', 'bee', 'cat', 'dog', 'eel'];

  it('are matched by name, so that their order plays no part', async () => {
    const plain = await attacked({ attacks: [pgd] });
    // The data count dog first; labels keep their number, so the model must have the same class there.
    const data = relabelled(names);
    const same = await attacked({ attacks: [pgd], model: { model: renamed(names) } }, data);
    expect(same.rows).toEqual(plain.rows);
    const turned = [...names.slice(1), 'ant'];
    const other = await attacked({ attacks: [], model: { model: renamed(turned) } }, data);
    // The model's outputs are called otherwise, so that what it names is right no more.
    expect(other.summary.cleanCorrect).toBeLessThan(10);
    expect(other.summary.classNames).toEqual(turned);
  });

  it('that the model does not know are left out, which is told', async () => {
    const data = relabelled(without(names));
    const { summary, rows, context } = await attacked(
      { attacks: [pgd], images: 20, model: { model: renamed(names) } },
      data,
    );
    const known = [...world.labels.keys()].filter((i) => world.labels[i] !== world.labels[10]).slice(0, 20);
    const common = names.filter((_, i) => i !== world.labels[10]);
    expect(known.length).toBeLessThan(20);
    expect(rows.map(({ image }) => image)).toEqual(known);
    expect(summary.commonClasses).toEqual(common);
    expect(summary.n).toBe(known.length);
    expect(context.notes).toContain(
      `model and data have 4 of 5 classes in common (${common.join(', ')}); only images of these are used`,
    );
  });
});

describe('data without an image of a class that the model knows', () => {
  it('are refused', async () => {
    const dataset = await datasetArtifact(SHAPE, 2, {
      images: new Uint8Array(36),
      labels: Uint16Array.of(0),
    });
    const path = join(dataset, 'dataset.json');
    const info = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...info, classNames: ['zebra', 'bee'] }));
    const model = renamed(['ant', 'bee', 'cat', 'dog', 'eel']);
    await expect(attacked({ attacks: [], model: { model } }, { ...world, dataset })).rejects.toThrow(
      'Expected test images of bee, found none; choose another data set or model.',
    );
  });
});

describe('images that are made on another model', () => {
  it('are judged on the victim', async () => {
    const other = await smallModel(1);
    const { summary, rows } = await attacked({ attacks: [pgd, { ...pgd, from: { model: other } }] });
    const [direct, transferred] = summary.attacks;
    expect(transferred!.name).toMatch(/^pgd-5 Linf 0.04 from pag-test-/);
    expect(transferred!.transferFrom).toMatch(/^pag-test-/);
    expect(transferred!.robust).toBeGreaterThan(direct!.robust);
    const own = rows.filter((row) => row.attack === transferred!.name);
    // Each image that the victim has right is worked on to the end: five steps, none of them a look at the goal.
    const right = own.filter((row) => row.cleanPrediction === row.label);
    expect(right.map(({ queries }) => queries)).toEqual(right.map(() => 5));
  });

  it('on the victim itself fool it at least as often as an attack that stops at once', async () => {
    const { summary } = await attacked({ attacks: [pgd, { ...pgd, from: { model: world.model } }] });
    expect(summary.attacks[1]!.robust).toBeLessThanOrEqual(summary.attacks[0]!.robust);
  });

  it('are matched by the names of classes, and refused where one is not known', async () => {
    const names = ['ant', 'bee', 'cat', 'dog', 'eel'];
    const data = relabelled(names);
    const victim = { model: renamed(names) };
    const other = await smallModel(1);
    const like = (classNames: string[]) =>
      attacked({ attacks: [{ ...pgd, from: { model: renamed(classNames, other) } }], model: victim }, data);
    const plain = await attacked({ attacks: [{ ...pgd, from: { model: other } }] });
    expect((await like(names)).summary.attacks[0]!.robust).toBe(plain.summary.attacks[0]!.robust);
    await expect(like(without(names))).rejects.toThrow(
      /^Expected attack\.attacks\[0\]\.from to be a classifier that knows every class that is attacked, found none for (ant|bee|cat|dog|eel) in .*; choose a model of these classes\.$/,
    );
  });
});

describe('a randomised classifier', () => {
  const rand = { method: 'auto-attack', version: 'custom', attacks: ['apgd-ce'], norm: 'Linf', eps: [0.02] };
  const attacks = [{ ...rand, steps: 3, restarts: 1, draws: 4 }, pgd];

  it('draws its noise by (seed, image): the same in chunks and batches of any size, another with another seed', async () => {
    const noisy = await attacked({ attacks, noise: 0.1, seed: 3 });
    const other = await attacked({ attacks, noise: 0.1, seed: 3, chunkImages: 4, batchSize: 3 });
    expect(other.rows).toEqual(noisy.rows);
    const quiet = await attacked({ attacks, seed: 3 });
    expect(noisy.rows).not.toEqual(quiet.rows);
    expect((await attacked({ attacks, noise: 0.1, seed: 4 })).rows).not.toEqual(noisy.rows);
    const [row] = noisy.rows.filter((one) => one.survived && one.attack === noisy.summary.attacks[0]!.name);
    // Four looks at each of the start and three steps.
    expect(row!.queries).toBe(16);
  });
});
