/** Report: one page over all variants, to look at and to cite. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const reportStage: StageDefinition = {
  name: 'report',
  codeVersion: 6,
  scope: 'experiment',
  inputs: ({ train, precompute }) => {
    if (train.method !== 'pag') return ['dataset', 'train', 'attack', 'analyze'];
    if (precompute.method !== 'sbg') return ['dataset', 'precompute', 'train', 'attack', 'analyze'];
    return ['dataset', 'score', 'precompute', 'train', 'attack', 'analyze'];
  },
  // The page shows the whole configuration, so that all of it decides the bytes. Labels come with the inputs.
  configPart: (config) => toJson(config),
  needsEngine: () => false,
  load: async () => (await import('./run.ts')).runReport,
};
