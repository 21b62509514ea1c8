/** Attack: how many test images survive each attack. */
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const attackStage: StageDefinition = {
  name: 'attack',
  codeVersion: 2,
  scope: 'variant',
  inputs: () => ['dataset', 'train'],
  configPart: ({ attack }) => toJson(attack),
  needsEngine: () => true,
  load: async () => (await import('./run.ts')).runAttack,
};
