/** Score-based targets from model folders that the configuration names, without a score stage. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCORE_MODEL_VERSION, type ScoreModelDescription } from '../../../schemas/model.ts';
import { loadScoreModel } from '../../../stages/numerics/diffusion/score-model.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import { parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { runPrecompute } from '../../../stages/precompute/run.ts';
import { learnedScore } from '../../../stages/precompute/score-based.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { writeModel } from '../../../store/model-files.ts';
import { openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { configOf, contextOf, datasetArtifact, temporaryFolder } from '../../support/stage-context.ts';
import { CLASSES, SHAPE, SIZE, targetsOf } from './fixture.ts';

const COUNT = 6;
const EDM = { kind: 'edm', sigmaData: 0.5 } as const;
const DDPM = {
  kind: 'ddpm',
  steps: 10,
  schedule: 'cosine',
  noiseInput: 'step',
  learnsVariance: false,
} as const;
let directory: string;
let dataset: Dataset;

async function scoreFolder(
  preconditioning: ScoreModelDescription['preconditioning'],
  classes: number,
  scale = { factor: 2, shift: -1 },
) {
  const folder = temporaryFolder();
  const network = { kind: 'mlp' as const, hidden: [5] };
  const { parameters } = makeScoreNetwork(network, SHAPE, classes);
  const flat = randomStream(classes).fillNormal(new Float32Array(parameterCount(parameters)));
  await writeModel(
    folder,
    parameters,
    { flat },
    {
      version: SCORE_MODEL_VERSION,
      network,
      preconditioning,
      scale,
      shape: SHAPE,
      classNames: Array.from({ length: classes }, (_, i) => `class ${i}`),
      parameters: flat.length,
      provenance: {},
    },
  );
  return folder;
}

beforeAll(async () => {
  registerGradients();
  const images = Uint8Array.from({ length: COUNT * SIZE }, (_, i) => (i * 41) % 256);
  directory = await datasetArtifact(SHAPE, CLASSES, {
    images,
    labels: Uint16Array.from({ length: COUNT }, (_, i) => i % CLASSES),
  });
  dataset = await readDataset(directory);
});

async function run(precompute: object) {
  const context = contextOf(configOf({ precompute: { codec: 'float32', ...precompute } }), {
    dataset: directory,
  });
  await runPrecompute(context);
  const reader = await openGradientReader(context.directory);
  const rows = Array.from({ length: COUNT * CLASSES }, (_, row) => ({
    image: Math.floor(row / CLASSES),
    target: row % CLASSES,
  }));
  const out = new Float32Array(rows.length * SIZE);
  await reader.read(rows, out);
  await reader.close();
  return out;
}

describe('score models that the configuration names', () => {
  it('give the targets, the noise being of the level nearest to σ that the conditional one knows', async () => {
    const [conditional, unconditional] = [await scoreFolder(DDPM, CLASSES), await scoreFolder(EDM, 0)];
    const found = await run({
      sigma: 0.8,
      conditional: { model: conditional },
      unconditional: { model: unconditional },
    });
    const [known, blank] = [await loadScoreModel(conditional), await loadScoreModel(unconditional)];
    const sigma = known.preconditioning.round(0.8);
    expect(sigma).not.toBe(0.8);
    const target = {
      sigmas: [sigma],
      draws: 1,
      seed: 0,
      combine: 'variance' as const,
      guidance: 'difference' as const,
    };
    const score = { conditional: known, unconditional: blank, target, batchSize: 16 };
    expect(found).toEqual(await targetsOf(learnedScore(dataset, score), 0, COUNT));
  });

  it('see noise of the same strength in whatever scale they see the images', async () => {
    const model = await scoreFolder(EDM, CLASSES, { factor: 1, shift: 0 });
    const found = await run({ sigma: 0.8, conditional: { model } });
    const known = await loadScoreModel(model);
    // 0.8 of [−1, 1] is 0.4 of [0, 1].
    const target = {
      sigmas: [0.4],
      draws: 1,
      seed: 0,
      combine: 'variance' as const,
      guidance: 'difference' as const,
    };
    const score = { conditional: known, unconditional: known, target, batchSize: 16 };
    expect(found).toEqual(await targetsOf(learnedScore(dataset, score), 0, COUNT));
  });

  it('must be as they were planned with, and the conditional one must know classes', async () => {
    const model = await scoreFolder(EDM, 0);
    await expect(run({ conditional: { model } })).rejects.toThrow(
      `Expected precompute.conditional to be a score model that knows classes, found that the one in ${model} knows none; choose another one (it could serve as precompute.unconditional).`,
    );
    await expect(run({ conditional: { model, fingerprint: '0123' } })).rejects.toMatchObject({
      code: 'DATA_DAMAGED',
      message: expect.stringMatching(
        /^Expected the model in .* to be as it was when this run was planned \(checksum 0123\), found [0-9a-f]{16}; run the same command again, which plans with the model as it is now\.$/,
      ),
    });
  });
});
