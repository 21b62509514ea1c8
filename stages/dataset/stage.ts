/** Data set: reads the official files by their own formats, once, into one Arrow table per split. */
import { usesSeed } from '../../schemas/dataset-facts.ts';
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const datasetStage: StageDefinition = {
  name: 'dataset',
  codeVersion: 3,
  scope: 'variant',
  inputs: () => [],
  configPart: ({ dataset }) => {
    const { geometry, seed, ...rest } = dataset;
    const drawn = usesSeed(dataset) ? { seed: seed ?? 0 } : {};
    return toJson({ ...rest, ...drawn, ...(dataset.name === 'toy' ? { geometry } : {}) });
  },
  needsEngine: () => false,
  load: async () => (await import('./run.ts')).runDataset,
};
