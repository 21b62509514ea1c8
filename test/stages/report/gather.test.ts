import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StageContext } from '../../../schemas/stage.ts';
import { gather } from '../../../stages/report/gather.ts';
import { writeTensors } from '../../../store/tensor-file.ts';
import { temporaryFolder } from '../../store/support/temporary-folder.ts';
import { thrownBy } from '../../store/support/thrown-by.ts';
import { writeArtifacts } from './fixture.ts';
import { colors, digits, toy } from './worlds.ts';

const pathOf = ({ inputs }: StageContext, stage: string, variant: string) =>
  inputs.find((input) => input.stage === stage && input.variant === variant)!.directory;

describe('gather', () => {
  it('finds the figures of every variant, and the settings that only the configuration knows', async () => {
    const { title, variants } = await gather(await writeArtifacts(await temporaryFolder(), digits()));
    expect(title).toBe('Perceptually aligned gradients on USPS');
    expect(variants.map(({ label, short }) => [label, short])).toEqual([
      ['vanilla', 'vanilla'],
      ['sbg', 'sbg'],
      ['nearest-neighbor', 'nearest-neighbor'],
    ]);
    const [vanilla, sbg] = variants;
    expect(vanilla!.targets).toBeNull();
    expect(vanilla!.keys.map(({ stage }) => stage)).toEqual(['dataset', 'train', 'attack', 'analyze']);
    expect(sbg!.keys.map(({ stage }) => stage)).toEqual([
      'dataset',
      'score',
      'precompute',
      'train',
      'attack',
      'analyze',
    ]);
    expect(vanilla!.attack.attacks[0]).toMatchObject({
      method: 'fgsm',
      steps: null,
      relativeStep: null,
      robust: 1794,
    });
    expect(vanilla!.attack.attacks[3]).toMatchObject({
      method: 'pgd',
      eps: 1,
      relativeStep: 2.5,
      restarts: 1,
      robust: 1122,
    });
  });

  it('takes from the store what its codec lost', async () => {
    const { variants } = await gather(await writeArtifacts(await temporaryFolder(), digits()));
    expect(variants[1]!.targets).toEqual({
      codec: 'float16',
      description: 'a fixture',
      images: 7290,
      targets: 10,
      classes: 10,
      isListed: false,
      bytes: 256,
      meanCosineLoss: 2e-8,
      worstCosineLoss: 5e-8,
      precisionCost: null,
    });
  });

  it('takes nothing of a training from an analytic score', async () => {
    const { variants } = await gather(await writeArtifacts(await temporaryFolder(), toy()));
    const score = (label: string) => variants.find((variant) => variant.label === label)!.score;
    expect(score('sbg exact')).toBeNull();
    expect(score('nearest-neighbor')).toBeNull();
    expect(score('sbg learned')!.losses.length).toBe(50);
    expect(score('sbg learned')!.losses[0]!.step).toBe(20);
    expect(score('sbg learned')!.heldOut).toContainEqual({ step: 1000, sigma: 0.3, loss: 0.4 });
    expect(score('sbg learned')!.sheet).toBeNull();
  });

  it('takes the last sheet of samples', async () => {
    const { variants } = await gather(await writeArtifacts(await temporaryFolder(), digits()));
    const { sheet } = variants.find(({ score }) => score !== null)!.score!;
    expect(sheet).toMatchObject({ step: 1000, width: 100, height: 40 });
  });

  it('numbers variants whose labels are long, and names a report without a title after its data', async () => {
    const { title, variants } = await gather(await writeArtifacts(await temporaryFolder(), colors()));
    expect(title).toBe('Classifiers of things');
    expect(variants.map(({ short }) => short)).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
      '10',
      '11',
      '12',
    ]);
  });
});

describe('gather with damaged artifacts', () => {
  it('names a missing file', async () => {
    const context = await writeArtifacts(await temporaryFolder(), digits());
    const directory = pathOf(context, 'attack', 'sbg');
    await rm(join(directory, 'attack.json'));
    expect(await thrownBy(gather(context))).toEqual({
      code: 'ARTIFACT_DAMAGED',
      message: `Expected JSON in ${join(directory, 'attack.json')}, found no such file. Remove the folder ${directory} and run the same command again; it is then made anew.`,
    });
  });

  it('names a file that is not JSON', async () => {
    const context = await writeArtifacts(await temporaryFolder(), digits());
    const directory = pathOf(context, 'analyze', 'vanilla');
    await writeFile(join(directory, 'analysis.json'), '{"alignment": nu');
    expect(await thrownBy(gather(context))).toEqual({
      code: 'ARTIFACT_DAMAGED',
      message: `Expected JSON in ${join(directory, 'analysis.json')}, found text that is not JSON. Remove the folder ${directory} and run the same command again; it is then made anew.`,
    });
  });

  it('names a missing array', async () => {
    const context = await writeArtifacts(await temporaryFolder(), digits());
    const directory = pathOf(context, 'analyze', 'vanilla');
    const path = join(directory, 'arrays.safetensors');
    await writeTensors(path, { images: { shape: [1, 1, 1, 1], data: new Float32Array(1) } });
    expect(await thrownBy(gather(context))).toEqual({
      code: 'ARTIFACT_DAMAGED',
      message: `Expected an array \`gradients\` in ${path}, found images. Remove the folder ${directory} and run the same command again; it is then made anew.`,
    });
  });

  it('says that the attacks are not those of the configuration', async () => {
    const context = await writeArtifacts(await temporaryFolder(), toy());
    const directory = pathOf(context, 'attack', 'vanilla');
    const [first, ...others] = context.variants;
    const attack = {
      ...first!.config.attack,
      attacks: [{ ...first!.config.attack.attacks[0]!, eps: [5, 10] }],
    };
    const variants = [{ ...first!, config: { ...first!.config, attack } }, ...others];
    expect(await thrownBy(gather({ ...context, variants }))).toEqual({
      code: 'ARTIFACT_DAMAGED',
      message: `Expected attack.json in ${directory} to hold the attacks of the configuration (targeted pgd-100 L2 5; targeted pgd-100 L2 10), found targeted pgd-100 L2 5; targeted pgd-100 L2 10; targeted pgd-100 L2 15. Remove that folder and run the same command again; it is then made anew.`,
    });
  });
});
