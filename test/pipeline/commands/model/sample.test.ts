/** `pipeline model sample` on a model that was not trained: what it writes, and what it refuses. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { SCORE_MODEL_VERSION, type ScoreModelDescription } from '../../../../schemas/model.ts';
import { scoreNetworkSchema } from '../../../../schemas/network-config.ts';
import { makeScoreNetwork } from '../../../../stages/numerics/networks/registry.ts';
import { initializeParameters } from '../../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../../stages/numerics/tensor/random.ts';
import { writeModel } from '../../../../store/model-files.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { model } from './fixture.ts';

async function scoreModel(network: object, shape: number[]): Promise<string> {
  const folder = await temporaryFolder();
  const description: ScoreModelDescription = {
    version: SCORE_MODEL_VERSION,
    network: scoreNetworkSchema.parse(network),
    preconditioning: { kind: 'edm', sigmaData: 0.5 },
    scale: { factor: 2, shift: -1 },
    shape,
    classNames: ['ant', 'bee', 'cat'],
    parameters: 0,
    provenance: {},
  };
  const { parameters } = makeScoreNetwork(description.network, shape, 3);
  const flat = initializeParameters(parameters, randomStream(0, 'model'));
  await writeModel(folder, parameters, { flat }, { ...description, parameters: flat.length });
  return folder;
}

const imageModel = () => scoreModel({ kind: 'unet', channels: 4, multipliers: [1], groups: 2 }, [8, 8, 1]);
const HELP = '`pipeline model sample --help` explains the options.\n';

async function refused(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await model('sample', ...words);
  expect([code, stdout]).toEqual([1, '']);
  return stderr;
}

describe('pipeline model sample', () => {
  it('writes a row for each class that is named and one without, the same each time', async () => {
    const [images, folder] = [await imageModel(), await temporaryFolder()];
    const words = [
      '--only',
      'cat, ant',
      '--steps',
      '3',
      '--per-class',
      '5',
      '--guidance',
      '1.5',
      '--churn',
      '2',
    ];
    const [first, second] = [join(folder, 'new', 'a.png'), join(folder, 'b.png')];
    expect(await model('sample', images, first, ...words)).toEqual({
      code: 0,
      stderr: '',
      stdout: `Wrote ${first}: 5 samples in each row; rows: cat, ant, no class.\n`,
    });
    await model('sample', images, second, ...words);
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
    expect(PNG.sync.read(readFileSync(first)).height).toBe(3 * (64 + 2) + 2);
    const all = await model('sample', images, join(folder, 'd.png'), '--sampler', 'ddim', '--steps', '1');
    expect(all.stdout).toContain('8 samples in each row; rows: ant, bee, cat, no class.');
  });

  it('refuses what it cannot do', async () => {
    const [images, folder] = [await imageModel(), await temporaryFolder()];
    const out = join(folder, 'out.png');
    expect(await refused(images)).toBe(
      `Expected a score model and a file (pipeline model sample FOLDER OUT.png). ${HELP}`,
    );
    expect(await refused(images, out, '--steps', '0')).toBe(
      `Expected --steps to be a whole number >= 1, got 0. ${HELP}`,
    );
    expect(await refused(images, out, '--guidance', 'much')).toBe(
      `Expected --guidance to be a number >= 0, got NaN. ${HELP}`,
    );
    expect(await refused(images, out, '--churn', '1', '--sampler', 'ddim')).toBe(
      `Expected --churn with the sampler heun alone, got it with ddim. ${HELP}`,
    );
    expect(await refused(images, out, '--only', 'ant,dog')).toBe(
      `Expected --only to name classes of the model (ant, bee, cat), got dog. ${HELP}`,
    );
    const points = await scoreModel({ kind: 'mlp', hidden: [4] }, [2]);
    expect(await refused(points, out)).toBe(
      `Expected a score model of images with 1 or 3 channels in ${points}, found one of inputs [2], which cannot be drawn; choose another model.\n`,
    );
    writeFileSync(out, '');
    expect(await refused(images, out)).toBe(
      `Expected to write a new file ${out}, found one there already; name another. ${HELP}`,
    );
  });
});
