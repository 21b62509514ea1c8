/** Precompute: target gradients g(x, y) of every training image towards every class, into a sharded store. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const precomputeStage: StageDefinition = {
  name: 'precompute',
  codeVersion: 2,
  scope: 'variant',
  inputs: ({ precompute }) => (precompute.method === 'sbg' ? ['dataset', 'score'] : ['dataset']),
  configPart: ({ precompute, dataset }) => {
    const { sigma, draws, batchSize, seed, ...rest } = precompute;
    const geometry = dataset.name === 'toy' ? { geometry: dataset.geometry } : {};
    if (precompute.method === 'sbg') {
      return toJson({ ...rest, ...geometry, sigma, draws, batchSize, seed: seed ?? 0 });
    }
    return toJson(precompute.method === 'one-image' ? { ...rest, seed: seed ?? 0 } : rest);
  },
  needsEngine: () => true,
  load: async () => (await import('./run.ts')).runPrecompute,
};
