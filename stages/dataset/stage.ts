/** Data set: reads the official files by their own formats, once, into one Arrow table per split. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const datasetStage: StageDefinition = {
  name: 'dataset',
  codeVersion: 2,
  scope: 'variant',
  inputs: () => [],
  configPart: ({ dataset }) => {
    const { geometry, seed, ...rest } = dataset;
    return toJson(dataset.name === 'toy' ? { ...rest, geometry, seed: seed ?? 0 } : rest);
  },
  needsEngine: () => false,
  load: async () => (await import('./run.ts')).runDataset,
};
