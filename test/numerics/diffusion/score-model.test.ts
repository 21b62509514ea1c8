/** A score model's folder: read back it denoises as before, and what does not fit is refused. */
import '../../support/engine.ts';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCORE_MODEL_VERSION, type ScoreModelDescription } from '../../../schemas/model.ts';
import { scoreNetworkSchema } from '../../../schemas/network-config.ts';
import { denoise } from '../../../stages/numerics/diffusion/denoise.ts';
import { makePreconditioning } from '../../../stages/numerics/diffusion/preconditioning/registry.ts';
import { loadScoreModel } from '../../../stages/numerics/diffusion/score-model.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import { loadParameters, parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { writeModel } from '../../../store/model-files.ts';
import { temporaryFolder } from '../../support/stage-context.ts';

registerGradients();
const description: ScoreModelDescription = {
  version: SCORE_MODEL_VERSION,
  network: { kind: 'mlp', hidden: [5] },
  preconditioning: {
    kind: 'ddpm',
    steps: 10,
    schedule: 'cosine',
    noiseInput: 'step',
    learnsVariance: false,
  },
  scale: { factor: 2, shift: -1 },
  shape: [3],
  classNames: ['cat', 'dog'],
  parameters: 0,
  provenance: {},
};
const network = makeScoreNetwork(description.network, [3], 2);
const flat = randomStream(4).fillNormal(new Float32Array(parameterCount(network.parameters)));

async function written(): Promise<string> {
  const folder = temporaryFolder();
  await writeModel(folder, network.parameters, { flat }, { ...description, parameters: flat.length });
  return folder;
}

describe('a score model', () => {
  it('read from its folder denoises as the one that was written', async () => {
    const read = await loadScoreModel(await written(), { shape: [3], classNames: ['a', 'b'] });
    const preconditioning = makePreconditioning(description.preconditioning);
    const made = { network, parameters: loadParameters(network.parameters, flat), preconditioning };
    const outputs = [read, made].map((model) =>
      tf.tidy(() => [
        ...denoise(model, tf.tensor2d([[1, 2, 3]]), Float32Array.of(0.7), tf.tensor2d([[0, 1]])).dataSync(),
      ]),
    );
    expect(outputs[0]).toEqual(outputs[1]);
    expect(read.classes).toBe(2);
    expect(read.scale).toEqual({ factor: 2, shift: -1 });
  });

  it.each([
    { network: { kind: 'mlp', hidden: [5] }, shape: [3] },
    { network: { kind: 'unet', channels: 4, multipliers: [1], groups: 2, patch: 2 }, shape: [4, 4, 1] },
    { network: { kind: 'song-unet', channels: 4, multipliers: [1], blocks: 1 }, shape: [4, 4, 1] },
  ])('that learns a variance too has twice the channels: $network.kind', async ({ network, shape }) => {
    const preconditioning = { ...description.preconditioning, learnsVariance: true } as const;
    const settings = scoreNetworkSchema.parse(network);
    const { parameters } = makeScoreNetwork(settings, shape, 2, true);
    const weights = new Float32Array(parameterCount(parameters)).fill(0.1);
    const [folder, about] = [temporaryFolder(), { ...description, network: settings, shape }];
    const model = { ...about, preconditioning, parameters: weights.length };
    await writeModel(folder, parameters, { flat: weights }, model);
    const read = await loadScoreModel(folder);
    tf.tidy(() => {
      const [x, oneHot] = [
        tf.ones([2, ...shape]),
        tf.tensor2d([
          [0, 1],
          [1, 0],
        ]),
      ];
      const output = read.network.forward(read.parameters, x, tf.tensor1d([1, 2]), oneHot);
      expect(output.shape).toEqual([2, ...shape.slice(0, -1), 2 * shape.at(-1)!]);
      expect(denoise(read, x, Float32Array.of(1, 2), oneHot).shape).toEqual(x.shape);
    });
  });

  it('is refused for other inputs or classes', async () => {
    const folder = await written();
    const failure = (shape: number[], classNames: string[]) =>
      loadScoreModel(folder, { shape, classNames }).catch((error: unknown) => error);
    expect(await failure([2], ['a', 'b'])).toMatchObject({
      code: 'SHAPE_MISMATCH',
      message: `Expected in ${folder} a score model of inputs [2] in 2 classes, as the data set has them, found one of inputs [3] in 2 classes; choose a model of these data.`,
    });
    expect(await failure([3], ['a', 'b', 'c'])).toMatchObject({ code: 'SHAPE_MISMATCH' });
  });

  it('of an older release is named as that', async () => {
    const folder = await written();
    const path = join(folder, 'model.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), version: 1 }));
    await expect(loadScoreModel(folder)).rejects.toMatchObject({
      code: 'VERSION_OLDER',
      message: `Expected a model of version 2 in ${path}, found version 1, which an older release has written; train or import the model again.`,
    });
  });
});
