/** Train: a classifier, by one of the methods in methods/. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';
import { settingsInUse } from '../../schemas/train-methods.ts';

export const trainStage: StageDefinition = {
  name: 'train',
  codeVersion: 5,
  scope: 'variant',
  inputs: ({ train }) => (train.method === 'pag' ? ['dataset', 'precompute'] : ['dataset']),
  configPart: ({ train }) => {
    // What a model to start from contains decides the result, not where it lies.
    const { from, ...rest } = settingsInUse(train);
    return toJson(rest);
  },
  needsEngine: () => true,
  precision: ({ train }) => train.precision,
  load: async () => (await import('./run.ts')).runTrain,
};
