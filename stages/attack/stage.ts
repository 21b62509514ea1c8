/** Attack: how many test images survive each attack. */
import type { StageDefinition } from '../../schemas/stage.ts';
import { CODE_VERSION, decisivePart } from './settings.ts';

export const attackStage: StageDefinition = {
  name: 'attack',
  codeVersion: CODE_VERSION,
  scope: 'variant',
  inputs: ({ attack }) => (attack.model === undefined ? ['dataset', 'train'] : ['dataset']),
  configPart: ({ attack }) => decisivePart(attack),
  needsEngine: () => true,
  shared: true,
  load: async () => (await import('./run.ts')).runAttack,
};
