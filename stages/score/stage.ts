/** Score: a denoiser of noisy images, conditional and unconditional in one network. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const scoreStage: StageDefinition = {
  name: 'score',
  codeVersion: 3,
  scope: 'variant',
  inputs: () => ['dataset'],
  configPart: ({ score }) => toJson(score),
  needsEngine: () => true,
  load: async () => (await import('./run.ts')).runScore,
};
