/** Train: a classifier by cross entropy, and with `pag` by the alignment of its input gradients as well. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const trainStage: StageDefinition = {
  name: 'train',
  codeVersion: 2,
  scope: 'variant',
  inputs: ({ train }) => (train.method === 'pag' ? ['dataset', 'precompute'] : ['dataset']),
  configPart: ({ train }) => {
    const { lambda, lambdaSchedule, targetsPerImage, targetsAtOnce, gradientOf, ...rest } = train;
    return toJson(train.method === 'pag' ? train : rest);
  },
  needsEngine: () => true,
  load: async () => (await import('./run.ts')).runTrain,
};
