/** Analyze: pictures and figures that show what the gradients look like. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const analyzeStage: StageDefinition = {
  name: 'analyze',
  codeVersion: 4,
  scope: 'variant',
  inputs: ({ train }) => (train.method === 'pag' ? ['dataset', 'precompute', 'train'] : ['dataset', 'train']),
  configPart: ({ analyze, dataset, score, precompute, train }) => {
    const aligned = train.method === 'pag';
    if (dataset.name !== 'toy' || !aligned) return toJson({ analyze });
    // Only the toy set has a known truth, and only a learned score is held against it.
    return toJson({ analyze, geometry: dataset.geometry, score: score.kind, precompute });
  },
  needsEngine: () => true,
  load: async () => (await import('./run.ts')).runAnalyze,
};
