/** Every message of `pipeline attack`, whole; and that nothing is written where one is told. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../support/stage-context.ts';
import { attack, CLASSES, corners, cornersModel, SIDE, TEST_IMAGES } from './fixture.ts';

const EXPLAINED = ' `pipeline attack --help` explains it.\n';
const METHODS =
  'fgsm, r-fgsm, pgd, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, square, gaussian-noise, uniform-noise, salt-and-pepper';

describe('a wrong command is refused in a sentence', () => {
  let places: Record<string, string>;

  beforeAll(async () => {
    const score = temporaryFolder();
    writeFileSync(join(score, 'model.json'), '{"version": 2, "preconditioning": {}}');
    const empty = temporaryFolder();
    mkdirSync(join(empty, 'data'));
    places = {
      MODEL: await cornersModel(),
      LARGE: await cornersModel({ side: SIDE + 2 }),
      PAIR: await cornersModel({ classes: 2 }),
      SCORE: score,
      EMPTY: empty,
      DATA: await corners(),
    };
  });

  /** The command with everything right but for what the words change. */
  async function refused(words: string) {
    const runs = join(temporaryFolder(), 'runs');
    const given = words.split(' ').filter(Boolean);
    const has = (option: string) => given.includes(option);
    const usual = { '--model': 'MODEL', '--data': 'DATA', '--eps': '0.1' };
    const rest = Object.entries(usual).flatMap(([option, value]) =>
      has(option) || has(`--no${option}`) ? [] : [option, value],
    );
    const written = [...given.filter((word) => !word.startsWith('--no--')), ...rest];
    const placed = written.map((word) => word.replace(/^[A-Z]+\b/, (name) => places[name] ?? name));
    const { code, stdout, stderr } = await attack(...placed, '--runs', runs, '--json');
    expect({ code, isThere: existsSync(runs) }).toEqual({ code: 1, isThere: false });
    const told = JSON.parse(stdout) as { event: string; message: string };
    expect(told).toMatchObject({ event: 'error', message: stderr.slice(0, -1), kept: false });
    return Object.entries(places).reduce((text, [name, path]) => text.replaceAll(path, name), stderr);
  }

  it.each([
    // The model
    [
      '--no--model',
      `Expected --model, the folder of a classifier, found none; \`pipeline model import\` makes one.${EXPLAINED}`,
    ],
    [
      '--model EMPTY/nowhere',
      'Expected a model (model.json and model.safetensors) in EMPTY/nowhere, found no model.json there; check the path, or make a model with `pipeline model import`.\n',
    ],
    [
      '--model SCORE',
      'Expected --model to be a classifier, found a score model in SCORE, which names no class; give the folder of a classifier.\n',
    ],
    [
      '--attack pgd --from SCORE',
      'Expected --from to be a classifier, found a score model in SCORE, which names no class; give the folder of a classifier.\n',
    ],
    [
      '--model LARGE',
      `Expected --model to be a model for inputs of ${SIDE}x${SIDE}x1, as corners has, found one for ${SIDE + 2}x${SIDE + 2}x1 in LARGE/model.json; give another model, or the data that it is for.\n`,
    ],
    [
      '--data usps',
      `Expected --model to be a model for inputs of 16x16x1, as usps has, found one for ${SIDE}x${SIDE}x1 in MODEL/model.json; give another model, or the data that it is for.\n`,
    ],
    [
      '--attack pgd --from PAIR',
      `Expected --from to be a model for ${CLASSES} classes, as corners has, found one for 2 in PAIR/model.json; give another model, or the data that it is for.\n`,
    ],
    // The data
    [
      '--no--data',
      `Expected --data, the name of a data set (cifar10) or a folder with your own, found none.${EXPLAINED}`,
    ],
    [
      '--data cifar-10',
      'Expected --data to be the name of a data set, a folder with your own or an experiment file (.yaml), got "cifar-10"; did you mean cifar10? `pipeline data list` lists the names.\n',
    ],
    [
      '--data-folder EMPTY/nowhere',
      'Expected a folder with data sets at EMPTY/nowhere, as --data-folder says, found nothing there; correct the path.\n',
    ],
    // What attacks it
    [
      '--attack pdg',
      `Expected --attack to be standard, plus, rand, none or a method (${METHODS}), got "pdg"; did you mean pgd?${EXPLAINED}`,
    ],
    ['--attack pgd,fgsm,pgd', `Expected --attack to name each attack once, got pgd twice.${EXPLAINED}`],
    [
      '--attack pgd,none',
      `Expected --attack none by itself, got pgd,none; the clean accuracy is measured in any case.${EXPLAINED}`,
    ],
    ['--attack none', `Expected --eps with an attack, got --attack none; leave one out.${EXPLAINED}`],
    [
      '--attack none --no--eps --minimal',
      `Expected --minimal with an attack, got --attack none; leave one out.${EXPLAINED}`,
    ],
    // How far
    [
      '--no--eps',
      `Expected --eps, the radius of the attack in the units of the data (8/255), found none.${EXPLAINED}`,
    ],
    ...['0', '-0.1', '8/0', 'small', '0.1,,0.2'].map((eps) => [
      `--eps ${eps}`,
      `Expected --eps to be numbers > 0 or fractions such as 8/255, with commas between them, got "${eps}"; --attack none measures the clean accuracy.${EXPLAINED}`,
    ]),
    ['--eps 8', `Expected --eps in the units of the images, [0, 1], got 8; did you mean 8/255?${EXPLAINED}`],
    ['--norm linf', `Expected --norm to be Linf, L2, L1, got "linf"; did you mean Linf?${EXPLAINED}`],
    // How hard
    ['--attack pgd --steps 0', `Expected --steps to be a whole number >= 1, got 0.${EXPLAINED}`],
    [
      '--attack pgd --restarts x',
      `Expected --restarts to be a whole number >= 1, got something else.${EXPLAINED}`,
    ],
    [
      '--attack pgd --queries 10',
      `Expected for --queries nothing, because queries is for square, got 10.${EXPLAINED}`,
    ],
    // Of which images
    ['--n 2.5', `Expected --n to be a whole number >= 1, got 2.5.${EXPLAINED}`],
    [
      `--n ${TEST_IMAGES + 1}`,
      `Expected --n to be at most ${TEST_IMAGES}, the test images of corners, got ${TEST_IMAGES + 1}.${EXPLAINED}`,
    ],
    ['--seed -1', `Expected --seed to be a whole number from 0 to 4294967295, got -1.${EXPLAINED}`],
    ['--noise 0', `Expected --noise to be a number > 0 or a fraction such as 8/255, got "0".${EXPLAINED}`],
    ['--keep pngs', `Expected --keep to be none, npz, png, both, got "pngs"; did you mean png?${EXPLAINED}`],
    ['--jobs 0', 'Expected --jobs to be a whole number >= 1, got 0.\n'],
  ])('%s', async (words, stderr) => {
    expect(await refused(words)).toBe(stderr);
  });
});
