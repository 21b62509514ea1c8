/** Score: a denoiser of noisy images, conditional and unconditional in one network. */
import type { ScoreConfig } from '../../schemas/score-config.ts';
import { type Json, type StageDefinition, toJson } from '../../schemas/stage.ts';

export const scoreStage: StageDefinition = {
  name: 'score',
  codeVersion: 6,
  scope: 'variant',
  inputs: () => ['dataset'],
  configPart: ({ score }) => configPart(score),
  needsEngine: () => true,
  load: async () => (await import('./run.ts')).runScore,
};

/** The settings that this kind of model reads. */
function configPart({ pMean, pStd, ddpm, ...rest }: ScoreConfig): Json {
  switch (rest.kind) {
    case 'analytic':
      return { kind: rest.kind };
    case 'edm':
      return toJson({ ...rest, pMean, pStd });
    case 'ddpm':
      return toJson({ ...rest, ddpm });
  }
}
